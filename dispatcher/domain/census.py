"""What many texts take together, learnt in one pass and little memory."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dispatcher.domain.text import (
    Encoding,
    forcing_replaced,
    outside_gsm7,
    segments,
    septets,
    with_links,
)

SAMPLES = 5
"""How many rendered texts a summary shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forcing:
    """A character that forces texts into UCS-2.

    Attributes:
        character: the one character.
        people: whose text has it.
        dearer: those of `people` who pay more segments than they would if every character that
            forces their text into UCS-2 were one of GSM-7, of one septet. Who has two such
            characters counts for both: replacing one of them alone saves nothing.
    """

    character: str
    people: int
    dearer: int

    @property
    def name(self) -> str:
        """The character's name, for people who cannot tell it from its look-alikes."""
        code = f"U+{ord(self.character):04X}"
        name = unicodedata.name(self.character, "")
        return f"{code} {name}".rstrip()


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A rendered text, short links still as tags, with what it takes as sent."""

    text: str
    segments: int
    encoding: Encoding

    def __repr__(self) -> str:
        """Keep the text out of logs and tracebacks."""
        return f"Sample(<{len(self.text)} characters>, {self.segments}, {self.encoding.label})"


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSummary:
    """What the texts of a campaign take.

    Attributes:
        people: how many texts were counted, one for each person.
        segments: the segments of all of them.
        histogram: segments to how many people's text takes so many, in rising order.
        minimum: the segments of the cheapest text; 0 without any text.
        median: the segments of the text in the middle, the cheaper of two.
        maximum: the segments of the dearest text.
        ucs2: people whose text is in UCS-2.
        dearer: people who pay more segments because of that; see `Forcing`.
        forcing: the characters to blame, those of the most people first.
        samples: up to five different texts: the dearest, the shortest, and the first ones.
    """

    people: int
    segments: int
    histogram: Mapping[int, int]
    minimum: int
    median: int
    maximum: int
    ucs2: int
    dearer: int
    forcing: tuple[Forcing, ...]
    samples: tuple[Sample, ...]


class Census:
    """Counts the segments of any number of rendered texts.

    Args:
        links: the lengths of the short links, in order; see `domain.text.segments`.
        mention: the length of the STOP mention.
    """

    def __init__(self, *, links: Sequence[int] = (), mention: int = 0) -> None:
        self._links = tuple(links)
        self._mention = mention
        self._histogram: Counter[int] = Counter()
        self._ucs2 = 0
        self._dearer = 0
        self._forced: Counter[str] = Counter()
        self._forced_dearer: Counter[str] = Counter()
        self._showcase = _Showcase()

    def add(self, texts: Sequence[str]) -> Sequence[int]:
        """Count one more person for each text, best some thousands at a time.

        Returns:
            the segments of each text as sent.
        """
        if not texts:
            return []
        sent = [with_links(text, self._links) for text in texts] if self._links else texts
        room = Encoding.GSM7.alone - self._mention
        counts = [
            1 if units and units <= room else self._closer(text, units, people=1)
            for text, units in zip(sent, septets(sent), strict=True)
        ]
        self._histogram.update(counts)
        self._showcase.add(texts, counts)
        return counts

    def add_many(self, text: str, people: int) -> int:
        """Count people who all get the same text.

        Returns:
            the segments each of them pays.
        """
        if people == 0:
            return segments(text, links=self._links, mention=self._mention).count
        sent = with_links(text, self._links)
        count = self._closer(sent, None, people=people)
        self._histogram[count] += people
        self._showcase.add([text], [count])
        return count

    def summary(self) -> TextSummary:
        """Tell what was counted so far."""
        histogram = dict(sorted(self._histogram.items()))
        return TextSummary(
            people=sum(histogram.values()),
            segments=sum(count * people for count, people in histogram.items()),
            histogram=histogram,
            minimum=min(histogram, default=0),
            median=_median(histogram),
            maximum=max(histogram, default=0),
            ucs2=self._ucs2,
            dearer=self._dearer,
            forcing=tuple(
                Forcing(character=char, people=people, dearer=self._forced_dearer[char])
                for char, people in self._forced.most_common()
            ),
            samples=tuple(map(self._sample, self._showcase.texts())),
        )

    def _closer(self, sent: str, units: int | None, *, people: int) -> int:
        """Count a text that is not simply one segment of GSM-7."""
        if units == len(sent):
            units += self._mention
            return (
                min(units, 1) if units <= Encoding.GSM7.alone else -(-units // Encoding.GSM7.joined)
            )
        measured = segments(sent, mention=self._mention)
        if measured.encoding is Encoding.UCS2:
            self._blame(sent, measured.count, people)
        return measured.count

    def _blame(self, sent: str, count: int, people: int) -> None:
        self._ucs2 += people
        blamed = dict.fromkeys(outside_gsm7(sent), people)
        self._forced.update(blamed)
        if count > 1 and count > segments(forcing_replaced(sent), mention=self._mention).count:
            self._dearer += people
            self._forced_dearer.update(blamed)

    def _sample(self, text: str) -> Sample:
        measured = segments(text, links=self._links, mention=self._mention)
        return Sample(text=text, segments=measured.count, encoding=measured.encoding)


class _Showcase:
    """Keeps a few texts that show what a campaign says."""

    def __init__(self) -> None:
        self._first: tuple[str, ...] = ()
        self._dearest = (0, 0, "")
        self._shortest = ""

    def add(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        """Look at some texts, of which there is at least one."""
        shortest = min(texts, key=len)
        if not self._first or len(shortest) < len(self._shortest):
            self._shortest = shortest
        if (most := max(counts)) >= self._dearest[0]:
            dear = (text for text, count in zip(texts, counts, strict=True) if count == most)
            longest = max(dear, key=len)
            self._dearest = max(self._dearest, (most, len(longest), longest), key=_dearness)
        if len(self._first) < SAMPLES:
            self._first = tuple(dict.fromkeys((*self._first, *texts)))[:SAMPLES]

    def texts(self) -> Sequence[str]:
        """Give the texts to show, the dearest first."""
        if not self._first:
            return ()
        return tuple(dict.fromkeys((self._dearest[2], self._shortest, *self._first)))[:SAMPLES]


def _dearness(text: tuple[int, int, str]) -> tuple[int, int]:
    return text[:2]


def _median(histogram: Mapping[int, int]) -> int:
    middle = (sum(histogram.values()) + 1) // 2
    passed = 0
    for count, people in sorted(histogram.items()):
        passed += people
        if passed >= middle:
            return count
    return 0
