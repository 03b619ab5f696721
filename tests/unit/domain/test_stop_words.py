import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.domain.stop_words import Intent, StopWords, words_of

READ = StopWords().read


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        "Stop!",
        " stop. ",
        "\u00abSTOP\u00bb",
        "STOP \U0001f6d1",
        "S.T.O.P",
        "s t o p",
        "STOOOP!!!",
        "st\u200bop",
        "\uff33\uff34\uff2f\uff30",
        "STOP 36105",
        "STOP au 36 105",
        "STOP 36xxx",
        "stop36105",
        "36105 STOP",
        "stop svp",
        "Stop s'il vous pla\u00eet",
        "STOP SMS",
        "Stop pub",
        "STOP STOP",
        "STOP merci",
        "Please stop",
        "stop texting me",
        "Arr\u00eat",
        "ARRETER",
        "Arr\u00eatez de m\u2019envoyer des SMS",
        "D\u00e9sabonner",
        "desabonnement",
        "D\u00e9sinscription svp",
        "Unsubscribe",
        "STOPALL",
        "opt-out",
        "CANCEL",
        "end",
        "Quit.",
    ],
)
def test_who_says_nothing_but_stop_is_taken_at_their_word(text: str) -> None:
    assert READ(text) is Intent.STOP


@pytest.mark.parametrize(
    "text",
    [
        "Don't stop",
        "ne stoppez pas",
        "non-stop",
        "Est-ce que le bus s'arr\u00eate ici ?",
        "je veux arreter tout \u00e7a",
        "STOP 06 39 98 00 01",
        "STOP 12",
        "Stop pour ma m\u00e8re, pas pour moi",
        "autostop",
        "Ne m'envoyez plus de SMS",
        "cancel please",
        "FIN",
        "r\u00e9silier",
        "STPO",
        "sotp",
    ],
)
def test_what_merely_mentions_it_is_for_a_person_to_read(text: str) -> None:
    assert READ(text) is Intent.DOUBTFUL


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "OUI",
        "Merci !",
        "36105",
        "J'ai plus de questions",
        "la fin de la semaine me va",
        "annuler le rendez-vous de mardi",
        "C'est opportun",
        "je serai l\u00e0 au rdv, at the end",
        "\u4f60\u597d",
    ],
)
def test_other_words_mean_nothing(text: str) -> None:
    assert READ(text) is Intent.OTHER


def test_words_of_another_language_may_be_added() -> None:
    words = StopWords(["Baja", "nicht mehr", "  "])

    assert words.read("BAJA!") is Intent.STOP
    assert words.read("Nicht  mehr.") is Intent.STOP
    assert words.read("bitte nicht mehr schreiben") is Intent.DOUBTFUL
    assert words.read("stop") is Intent.STOP
    assert words.read("hola") is Intent.OTHER


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert READ(text) in Intent


_ACCENTS = ["", "\u0301", "\u0302", "\u0327"]
_AROUND = st.text("!?.,;:()*-\u2026\u00ab\u00bb\u201c \n\t\u200b\U0001f6d1", max_size=4)


@given(
    st.sampled_from(["stop", "arret", "arreter", "desabonner", "unsubscribe"]),
    st.data(),
    _AROUND,
    _AROUND,
)
def test_case_accents_repetition_and_punctuation_change_nothing(
    word: str, data: st.DataObject, before: str, after: str
) -> None:
    written = "".join(
        data.draw(st.sampled_from([letter, letter.upper()])) * data.draw(st.integers(1, 3))
        + data.draw(st.sampled_from(_ACCENTS))
        for letter in word
    )

    assert READ(before + unicodedata.normalize("NFC", written) + after) is Intent.STOP


@given(st.text("abcdefghijklmnopqrstuvwxyz ", max_size=30), st.text("abcdefg ", max_size=10))
def test_no_stop_is_ever_overlooked(before: str, after: str) -> None:
    assert READ(f"{before} stop {after}") is not Intent.OTHER


def test_words_are_read_alike_twice() -> None:
    assert words_of(" ".join(words_of("Arr\u00eatez, S.T.O.P au 36 105"))) == [
        "aretez",
        "stop",
        "au",
        "36105",
    ]
