"""Alignment: gives each mention of an answer its place in the document, and accounts for every one of them.

A mention can stand where its folded form (see `folding`) falls on token borders, so "MI" is never found inside
"Family". Repeats are told apart by order: answers mostly follow the text, so the longest run of mentions that can
stand one behind the other is placed first, then the longest run of what is left (an answer sorted by label is
several runs), and what still has no place takes any free one. An offset that the answer gives is believed where
the mention really stands there, and otherwise decides between equally good places.

Mentions may overlap (real answers name "CKD stage 3" and then "CKD" in it), but a place that overlaps none is
preferred. One stretch with one label is one mention: said once more, it is a duplicate.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from spacy.tokens import Doc, Span

from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.mentions import AnswerMention
from clinical_distilled.answers.ordering import Score, longest_run
from clinical_distilled.answers.places import Place, Places, find_places

_ROUNDS = 6  # runs placed in order; what is left after that is in no order worth following
_NEAR = 32  # places weighed for one mention of a name that occurs more often, so that cost stays linear


class Status(str, Enum):
    """How a mention of an answer ended."""

    EXACT = "exact"
    NORMALISED = "normalised"
    LOST = "lost"


class Loss(str, Enum):
    """Why a mention was lost."""

    NOT_IN_TEXT = "not in text"
    LABEL_UNKNOWN = "label unknown"
    CROSSES_TOKENS = "crosses tokens"
    DUPLICATE = "duplicate beyond the occurrences"


@dataclass(frozen=True)
class Aligned:
    """One mention of an answer and how it ended: it has a place or a loss, never both.

    Attributes
    ----------
    mention : AnswerMention
        As the answer has it.
    label : str
        The known label it stands for; '' if there is none.
    place : Place or None
        Where it stands.
    loss : Loss or None
        Why it is lost.
    """

    mention: AnswerMention
    label: str
    place: Place | None = None
    loss: Loss | None = None

    @property
    def status(self) -> Status:
        """How the mention ended."""
        if self.place is None:
            return Status.LOST
        return Status.EXACT if self.place.text == self.mention.text else Status.NORMALISED

    def span(self, doc: Doc) -> Span:
        """Return a placed mention as a span of its document."""
        if self.place is None:
            raise ValueError("a lost mention has no span")
        return Span(doc, self.place.start, self.place.end, label=self.label)


def align(doc: Doc, mentions: Sequence[AnswerMention], labels: Collection[str]) -> list[Aligned]:
    """Find the mentions of one answer in its document.

    Parameters
    ----------
    labels
        The known labels; an answer's label is matched without regard to case.

    Returns
    -------
    list of Aligned
        One per mention, in the answer's order.
    """
    known = {fold(label): label for label in labels}
    names = [known.get(fold(mention.label), "") for mention in mentions]
    found = find_places(doc, [mention.text for mention in mentions])
    chosen = _Choice(doc, mentions, names, found).run()
    return [
        Aligned(mention, names[i], chosen.get(i), None if i in chosen else _loss(names[i], found[i]))
        for i, mention in enumerate(mentions)
    ]


def _loss(label: str, found: Places) -> Loss:
    if not label:
        return Loss.LABEL_UNKNOWN
    if found.places:
        return Loss.DUPLICATE
    return Loss.CROSSES_TOKENS if found.inside else Loss.NOT_IN_TEXT


class _Choice:
    """The choice of places for one answer; ``run`` returns them by the mention's position."""

    def __init__(self, doc: Doc, mentions: Sequence[AnswerMention], labels: list[str], found: list[Places]) -> None:
        self._doc = doc
        self.mentions = mentions
        self.labels = labels
        self.chosen: dict[int, Place] = {}
        self._covered = bytearray(len(doc))
        self._used: set[tuple[int, int, str]] = set()
        self.places = [near.places if label else [] for near, label in zip(found, labels, strict=True)]
        self._keys = [places.key for places in found]

    def run(self) -> dict[int, Place]:
        """Believe offsets, then place runs in order, then the rest."""
        for i in range(len(self.mentions)):
            self._believe_offsets(i)
        todo = self._without_excess()
        for _ in range(_ROUNDS):
            todo = [i for i in todo if i not in self.chosen]
            if not self._place_run(todo):
                break
        for i in todo:
            if i not in self.chosen:
                self._place_anywhere(i)
        return self.chosen

    def _without_excess(self) -> list[int]:
        """Return the mentions that can have a place: a name has one per occurrence and label."""
        seen: Counter[tuple[str, str]] = Counter()
        todo = []
        for i, places in enumerate(self.places):
            name = (self._keys[i], self.labels[i])
            if seen[name] < len(places):
                todo.append(i)
            seen[name] += 1
        return todo

    def _believe_offsets(self, i: int) -> None:
        """Place a mention where its offsets say, if it stands there as written, or folded on a place of its name."""
        mention = self.mentions[i]
        if mention.start is None or mention.end is None or not self.labels[i]:
            return
        span = self._doc.char_span(mention.start, mention.end)
        if span is not None and span.text == mention.text:
            places = [Place(span.start, span.end, span.start_char, span.text)]
        else:
            at = bisect_left(self.places[i], mention.start, key=lambda place: place.offset)
            near = self.places[i][at : at + 2]
            places = [p for p in near if (p.offset, p.offset + len(p.text)) == (mention.start, mention.end)]
        for place in places:
            if self._free(i, place):
                self._take(i, place)

    def _place_run(self, todo: list[int]) -> bool:
        """Place the longest run of the mentions `todo` in order, on places that overlap none taken."""
        seen: Counter[str] = Counter()
        candidates = []
        for i in todo:
            clear = [place for place in self.places[i] if self._clear(place)]
            first = max(0, min(seen[self._keys[i]] - _NEAR // 2, len(clear) - _NEAR))
            candidates.append(clear[first : first + _NEAR])
            seen[self._keys[i]] += 1
        run = longest_run(candidates, lambda position, place: self._merit(todo[position], place))
        for position, place in run.items():
            self._take(todo[position], place)
        return bool(run)

    def _place_anywhere(self, i: int) -> None:
        free = [place for place in self.places[i] if self._free(i, place)]
        if free:
            self._take(i, max(free, key=lambda place: (self._clear(place), *self._merit(i, place), -place.offset)))

    def _merit(self, i: int, place: Place) -> Score:
        hint = self.mentions[i].start
        near = 0 if hint is None else -abs(place.offset - hint)
        return place.text == self.mentions[i].text, near, place.end - place.start

    def _clear(self, place: Place) -> bool:
        return not any(self._covered[place.start : place.end])

    def _free(self, i: int, place: Place) -> bool:
        return (place.start, place.end, self.labels[i]) not in self._used

    def _take(self, i: int, place: Place) -> None:
        self.chosen[i] = place
        self._used.add((place.start, place.end, self.labels[i]))
        self._covered[place.start : place.end] = b"\1" * (place.end - place.start)
