"""Tells who asks by SMS not to be written to again, in French and English.

Wrong either way costs: whoever is not heeded is written to against the law, and whoever is
taken off by mistake misses what they wait for. So only a text that says nothing else is taken
at its word; one that merely mentions it is shown to a person.
"""

import enum
import re
import unicodedata
from collections.abc import Iterable, Sequence


class Intent(enum.Enum):
    """What a reply is taken for; the later of two that were read in one reply is the stronger."""

    OTHER = "other"
    """Nothing about stopping."""

    DOUBTFUL = "doubtful"
    """It mentions stopping: a person has to read it."""

    STOP = "stop"
    """Never write to this number again."""


# Characters of one kind in a row count as one: `STOOOP` is meant like `STOP`.
_REPEATED = re.compile(r"(.)\1+")
_WORD = re.compile(r"[^\W_]+")
_SPELLED = re.compile(r"\b(?:[^\W\d_] ){2,}[^\W\d_]\b")
_SPLIT_DIGITS = re.compile(r"(?<=\d) (?=\d)")
_GLUED = re.compile(r"\b(stop)(?=\d)")
_NO_SIGN = frozenset({"Cf", "Mn"})
_APOSTROPHES = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc`\u00b4"), " ")
# Where operators have people send their STOP to: five digits, such as 36xxx.
_SHORT_CODE = re.compile(r"[3-8]\d{4}|3[68]x")


def _collapsed(word: str) -> str:
    return word if word.isdigit() else _REPEATED.sub(r"\1", word)


def _words(text: str) -> frozenset[str]:
    return frozenset(map(_collapsed, text.split()))


_STOP_WORDS = _words("""
    stop stope stopper stoppez stopall stopsms stoppub stopspam st0p
    arret arrete arreter arretez desabonne desabonner desabonnez desabonnement
    desinscrire desinscrivez desinscription unsubscribe unsub optout
""")
# Who answers a reminder may mean another thing by these, so they count only when alone.
_STOP_ALONE = _words("cancel end quit revoke")
# What may stand beside a STOP word and changes nothing.
_BESIDE = _words("""
    sms mms pub pubs publicite publicites message messages mail mails envoi envois spam spams texto
    textos text texts texting messaging sending contacting envoyer recevoir ecrire contacter
    svp stp s il te vous plait merci please pls thanks thank you ok oui yes now maintenant
    immediatement bonjour bonsoir hello hi all tout tous toutes au a la l le les de des du d ce ces
    cet cette mes vos me m moi the this these to from my
""")
_MENTIONS = _words("annuler annule annulez resilier resiliation fin retirer retirez supprimer")
_TYPOS = _words("stpo sotp tsop sto stp stip srop dtop atop stob sotop")
_STEMS = ("stop", "desabon", "desinscri", "unsubscri", "aret", "optout")
_WRITING = _words("sms message messages envoyez envoyer envoi pub recevoir mail spam contacter")


class StopWords:
    """Reads what people answer; accents, case, punctuation and repeated letters do not matter."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        """Take words and phrases of other languages beside the French and English ones."""
        self._phrases = frozenset(tuple(found) for phrase in more if (found := words_of(phrase)))

    def read(self, text: str) -> Intent:
        """Tell what a reply is taken for."""
        words = words_of(text)
        if tuple(words) in self._phrases or _says_only_stop(words):
            return Intent.STOP
        if _mentions_stop(words) or any(_holds(words, phrase) for phrase in self._phrases):
            return Intent.DOUBTFUL
        return Intent.OTHER


def words_of(text: str) -> list[str]:
    """Give the words of a text without accents, case, punctuation and repeated letters.

    What was spelled out is joined: `S.T.O.P`, `36 105`, `opt-out`.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    signs = (sign for sign in plain if unicodedata.category(sign) not in _NO_SIGN)
    line = " ".join(_WORD.findall("".join(signs)))
    line = _SPELLED.sub(lambda found: found[0].replace(" ", ""), line)
    line = _GLUED.sub(r"\1 ", _SPLIT_DIGITS.sub("", line)).replace("opt out", "optout")
    return [_collapsed(word) for word in line.split()]


def _says_only_stop(words: Sequence[str]) -> bool:
    if len(words) == 1 and words[0] in _STOP_ALONE:
        return True
    rest = [word for word in words if word not in _STOP_WORDS]
    return len(rest) < len(words) and all(map(_changes_nothing, rest))


def _changes_nothing(word: str) -> bool:
    return word in _BESIDE or _SHORT_CODE.fullmatch(word) is not None


def _mentions_stop(words: Sequence[str]) -> bool:
    if len(words) == 1 and words[0] in _TYPOS:
        return True
    if any(stem in word for word in words for stem in _STEMS):
        return True
    if "plus" in words and not _WRITING.isdisjoint(words):
        return True
    vague = _MENTIONS | _STOP_ALONE
    rest = [word for word in words if word not in vague]
    return len(rest) < len(words) and all(map(_changes_nothing, rest))


def _holds(words: Sequence[str], phrase: tuple[str, ...]) -> bool:
    size = len(phrase)
    return any(tuple(words[at : at + size]) == phrase for at in range(len(words) - size + 1))
