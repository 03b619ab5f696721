"""Merge values arrive as the recipient should read them, whatever they are and however they go."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from dispatcher import Campaign, InputError, Recipient, Settings
from dispatcher.domain.lifecycle import CampaignState
from dispatcher.domain.routes import Render
from dispatcher.smsfactor import Dialect, NewContact, Wire
from dispatcher.store.account import Store
from tests.support.list_campaigns import texts_of
from tests.support.people import fictional
from tests.support.sandbox import Sandbox
from tests.support.works import Hints
from workers.resources import Account, Resources
from workers.steps.progress import Progress
from workers.steps.quote import quote_next
from workers.steps.send import send_next

VALUES = {
    "plain": ("Zoé", "Zoé"),
    "braces": ("{prenom} {{x}} }{ {0}", "{prenom} {{x}} }{ {0}"),
    "a field of lists": ("[info2]", "[info2]"),
    "the start of one": ("a [inf", "a [inf"),
    "a link tag": ("<-short->", "<-short->"),
    "a longer link tag": ("<-----short----->", "<-----short----->"),
    "the start of one more": ("a <-", "a <-"),
    "lines": ("Zoé\nMarie", "Zoé\nMarie"),
    "lines of Windows": ("Zoé\r\nMarie\rAnne", "Zoé\nMarie\nAnne"),
    "markup": ("""<a b="c">&amp; & 'd'</a>""", """<a b="c">&amp; & 'd'</a>"""),
    "entities": ("&lt; &#10; &eacute;", "&lt; &#10; &eacute;"),
    "the end of CDATA": ("x]]>y", "x]]>y"),
    "all of CDATA": ("<![CDATA[x]]>", "<![CDATA[x]]>"),
    "a comment": ("<!-- x -->", "<!-- x -->"),
    "emoji": ("😀 👨‍👩‍👧 🇫🇷", "😀 👨‍👩‍👧 🇫🇷"),
    "combining accents": ("e\u0301 n\u0303", "e\u0301 n\u0303"),
    "blanks at both ends": ("  Zoé \t", "Zoé"),
    "blanks in a row": ("a   b", "a   b"),
    "an unbreakable blank": ("12\u00a0€", "12\u00a0€"),
    "a tabulator": ("a\tb", "a\tb"),
    "quotes": ("\"'`«»“”\u2018\u2019", "\"'`«»“”\u2018\u2019"),
    "backslashes": (r"\n \u0041 \\ \" C:\x", r"\n \u0041 \\ \" C:\x"),
    "percent signs": ("100 % %s %20 +", "100 % %s %20 +"),
    "digits": ("0042", "0042"),
    "a word of JSON": ("null", "null"),
    "another script": ("שלום мир 你好", "שלום мир 你好"),
    "a line separator": ("a\u2028b", "a\u2028b"),
    "very long": ("é" * 700, "é" * 700),
    "as long as lists are trusted with": ("é" * 100, "é" * 100),
}
"""What comes in, and what its recipient should read."""

LISTED = {
    "plain",
    "braces",
    "markup",
    "entities",
    "the end of CDATA",
    "a comment",
    "combining accents",
    "blanks at both ends",
    "blanks in a row",
    "an unbreakable blank",
    "quotes",
    "backslashes",
    "percent signs",
    "digits",
    "a word of JSON",
    "another script",
    "as long as lists are trusted with",
}
"""Those the API is trusted to merge; all others are rendered here."""

TAGS = {"a link tag", "a longer link tag"}
LINK = "https://example.com/offer"
PEOPLE = [str(number) for number in fictional(len(VALUES))]

FRAGMENTS = (
    *("[info1]", "[info2]", "[", "]", "[info", "1]", "<-", "short", "->", "<-short->", "<", ">"),
    *("]]>", "<![CDATA[", "&", "&amp;", "{", "}", "{a}", "{{", "|", "\n", "\r\n", "\t", " "),
    *('"', "'", "\\", "\\n", "%", "é", "€", "😀", "\u00a0", "\u2028", "\u0301", "a", "0"),
)
some_values = st.lists(
    st.one_of(
        st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join),
        st.text(
            # Values such as # are taken for a spreadsheet's errors.
            st.characters(categories=["L", "M", "N", "P", "S", "Z"], exclude_characters="#"),
            max_size=30,
        ),
    ),
    min_size=1,
    max_size=8,
)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """From a submission to the messages of the sandbox, with a Redis between."""

    resources: Resources
    sandbox: Sandbox

    @property
    def account(self) -> Account:
        return self.resources.accounts[0]

    def deliver(self, campaign: Campaign) -> dict[str, str]:
        """Send a campaign; give what each number reads."""
        self.sandbox.control("POST", "credits", {"credits": 1_000_000})
        name = self.resources.dispatcher.submit(campaign)
        self.account.store.ledger.approve_server(quiet_ms=0)
        for step in (quote_next, send_next):
            while step(self.account, name) is Progress.MADE:
                pass
        assert self.resources.dispatcher.status(name).state is CampaignState.SENT
        return texts_of(self.sandbox)

    def listed(self) -> set[str]:
        """Give the numbers whose text was merged by the API."""
        return {
            message["destination"]
            for entry in self.sandbox.ledger()
            if entry.get("lists")
            for message in entry["messages"]
        }


@pytest.fixture(params=Wire, ids=lambda wire: wire.name.lower())
def pipeline(
    request: pytest.FixtureRequest,
    sandbox: Sandbox,
    dialect: Dialect,
    redis_url: str,
    tmp_path: Path,
) -> Iterator[Pipeline]:
    """A pipeline of either dialect, in either wire format."""
    token = {"token": "sandbox-token"}
    password = {"username": "sandbox@example.com", "password": "sandbox"}
    settings = Settings.model_validate(
        {
            "redis_url": redis_url,
            "api_url": sandbox.url,
            "accounts": {"default": token if dialect is Dialect.LIVE else password},
            "wire": Wire(request.param).name.lower(),
            "dialect": dialect.value,
            "journal_dir": tmp_path,
            "demo": True,
        }
    )
    resources = Resources(settings, Hints(), open_store=Store.open)  # type: ignore[arg-type]  # a stand-in for the broker
    yield Pipeline(resources=resources, sandbox=sandbox)
    resources.close()


@pytest.mark.parametrize("render", Render, ids=lambda render: render.value)
def test_every_value_is_read_as_it_was_meant(render: Render, pipeline: Pipeline) -> None:
    people = [value for value, _ in VALUES.values()]

    found = pipeline.deliver(
        Campaign(recipients=_recipients(people), text="Bonjour {a}, {b}!", render=render)
    )

    read = [read for _, read in VALUES.values()]
    assert found == _by_number(f"Bonjour {value}, le 3/4!" for value in read)
    names = dict(zip(PEOPLE, VALUES, strict=True))
    listed = set() if render is Render.HERE else LISTED
    assert {names[number] for number in pipeline.listed()} == listed


@pytest.mark.parametrize("render", Render, ids=lambda render: render.value)
def test_every_value_is_read_as_it_was_meant_beside_links(
    render: Render, pipeline: Pipeline
) -> None:
    kept = {name: both for name, both in VALUES.items() if name not in TAGS}

    found = pipeline.deliver(
        Campaign(
            recipients=_recipients([value for value, _ in kept.values()]),
            text="<-short-> {a} <-short->",
            links=(LINK, LINK),
            render=render,
        )
    )

    assert found == _by_number(
        f"sbx.example/00001 {read} sbx.example/00002" for _, read in kept.values()
    )


@pytest.mark.parametrize("name", sorted(TAGS))
def test_a_value_that_would_take_the_place_of_a_link_is_a_bad_row(
    name: str, pipeline: Pipeline
) -> None:
    value, _ = VALUES[name]

    with pytest.raises(InputError, match="a value holds a <-short-> tag"):
        pipeline.deliver(
            Campaign(recipients=_recipients([value]), text="{a} <-short->", links=(LINK,))
        )

    assert pipeline.sandbox.ledger() == []


def test_contacts_of_given_lists_are_read_as_they_were_meant(pipeline: Pipeline) -> None:
    contacts = [
        NewContact(number, (value, "le 3/4", "", ""))
        for number, (value, _) in zip(PEOPLE, VALUES.values(), strict=True)
    ]
    made = pipeline.account.api.create_list(contacts, name="ours")

    found = pipeline.deliver(Campaign(lists=(made.id,), text="Bonjour [info1], {info2}!"))

    assert found == _by_number(f"Bonjour {read}, le 3/4!" for _, read in VALUES.values())


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{{a}} & <b> ]]> {a}", "{a} & <b> ]]> Zoé"),
        ("\"{a}\" 'x' &amp;\n{a}\n😀", "\"Zoé\" 'x' &amp;\nZoé\n😀"),
        ("{[}x] {a} <- -> {b}", "[x] Zoé <- -> le 3/4"),
        ("{ville|  ici [} {a}", "  ici [ Zoé"),
    ],
)
@pytest.mark.parametrize("render", [Render.HERE, Render.LISTS], ids=lambda render: render.value)
def test_the_text_around_values_is_read_as_it_was_meant(
    text: str, read: str, render: Render, pipeline: Pipeline
) -> None:
    found = pipeline.deliver(Campaign(recipients=_recipients(["Zoé"]), text=text, render=render))

    assert found == {PEOPLE[0]: read}


@pytest.mark.parametrize("render", [Render.HERE, Render.LISTS], ids=lambda render: render.value)
@given(values=some_values)
@examples(
    max_examples=20,
    deadline=None,
    # The sandbox is emptied by each example, and the Redis is only added to.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_value_is_read_as_it_was_meant(
    values: list[str], render: Render, pipeline: Pipeline
) -> None:
    pipeline.sandbox.control("POST", "reset")

    found = pipeline.deliver(
        Campaign(recipients=_recipients(values), text="{a|toi} et {b}", render=render)
    )

    assert found == _by_number(f"{_plain(value) or 'toi'} et le 3/4" for value in values)


def _recipients(values: Sequence[str]) -> list[Recipient]:
    """Give a person for each value."""
    return [
        Recipient(number, fields={"a": value, "b": "le 3/4"})
        for number, value in zip(PEOPLE, values, strict=False)
    ]


def _by_number(texts: Iterable[str]) -> dict[str, str]:
    return dict(zip(PEOPLE, texts, strict=False))


def _plain(value: str) -> str:
    """Do what a recipient cannot see: no blanks around a value, one kind of line end."""
    return value.strip().replace("\r\n", "\n").replace("\r", "\n")
