"""Rewriting: brings marks in a rewritten note back to the note itself.

A model that is asked to repeat a note with marks in it never repeats it quite: it corrects spelling, joins lines, drops
a heading. The words of both texts are aligned (longest common subsequence, bit-parallel in rapidfuzz), and a mark's
offsets follow its words.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape
from typing import NamedTuple

from rapidfuzz.distance import Indel

from clinical_distilled.answers.formats.base import Problem
from clinical_distilled.answers.mentions import AnswerMention

_WORD = re.compile(r"[^\W\d_]+|\d+|[^\s\w]|_")  # letters and digits apart, as tokenisers have them
_VISIBLE = re.compile(r"\S")


class Mark(NamedTuple):
    """A marked stretch of a rewritten note: code point offsets, end exclusive."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Restored:
    """Marks brought back to the note.

    Attributes
    ----------
    mentions : list of AnswerMention
        With offsets where the words around them say so.
    share : float
        The share of the note's words that the rewritten one has, 0 to 1.
    reached : float
        How far into the note the last of them is, 0 to 1.
    """

    mentions: list[AnswerMention]
    share: float
    reached: float


def plausible(answer: str, text: str, times: int) -> str:
    """Return no more of an answer than a rewriting of the note, so many times as long, can have.

    Models loop; what comes after that is not worth reading, and the cost is bounded by the note's length.
    """
    return answer[: times * len(text) + 10_000]


def restore(rewritten: str, marks: Sequence[Mark], text: str) -> Restored:
    """Bring the marks of a rewritten note back to its text."""
    same = _same_but_for_spaces(rewritten, marks, text)
    if same is not None:
        return Restored(same, 1.0, 1.0)
    ours = list(_WORD.finditer(text))
    theirs = list(_WORD.finditer(rewritten))
    blocks = [
        (code.dest_start, code.src_start, code.src_end - code.src_start)
        for code in Indel.opcodes(_words(ours), _words(theirs))
        if code.tag == "equal"
    ]
    shared = sum(length for _, _, length in blocks)
    last = max((ours_at + length for _, ours_at, length in blocks), default=0)
    way = _Way(text, ours, theirs, blocks)
    mentions = [way.back(unescape(rewritten[mark.start : mark.end]), mark) for mark in marks]
    return Restored(mentions, *((shared / len(ours), last / len(ours)) if ours else (1.0, 1.0)))


def problem_of_rewriting(answer: str, restored: Restored, unread: int) -> Problem | None:
    """Return what is wrong with a rewritten note, of which so many marks could not be read."""
    if restored.share < 0.3 and not restored.mentions:
        return Problem.UNREADABLE if answer.strip() else Problem.EMPTY
    if restored.reached < 0.8:
        return Problem.CUT_OFF
    return Problem.PARTLY if unread else None


def _same_but_for_spaces(rewritten: str, marks: Sequence[Mark], text: str) -> list[AnswerMention] | None:
    """Bring marks back where the texts differ in white space only (tokens always do); None where they differ more."""
    ours = [match.start() for match in _VISIBLE.finditer(text)]
    theirs = [match.start() for match in _VISIBLE.finditer(rewritten)]
    if len(ours) != len(theirs) or any(text[a] != rewritten[b] for a, b in zip(ours, theirs, strict=True)):
        return None
    mentions = []
    for mark in marks:
        first, last = bisect_left(theirs, mark.start), bisect_left(theirs, mark.end) - 1
        if first <= last:
            start, end = ours[first], ours[last] + 1
            mentions.append(AnswerMention(text[start:end], mark.label, start=start, end=end))
    return mentions


def _words(matches: Sequence[re.Match[str]]) -> list[str]:
    return [match.group().casefold() for match in matches]


class _Way:
    """The way back from words of the rewritten note to words of the note."""

    def __init__(
        self,
        text: str,
        ours: list[re.Match[str]],
        theirs: list[re.Match[str]],
        blocks: list[tuple[int, int, int]],
    ) -> None:
        self._text = text
        self._ours = ours
        self._theirs = theirs
        self._blocks = blocks
        self._ends = [word.end() for word in theirs]
        self._starts = [start for start, _, _ in blocks]

    def back(self, marked: str, mark: Mark) -> AnswerMention:
        """Return a mark as a mention; its text is the note's own where all its words are the note's, in one piece."""
        first = bisect_right(self._ends, mark.start)
        last = bisect_left(self._ends, mark.end, first)
        start, end = self._our_word(first), self._our_word(last)
        if start is None or end is None or end - start != last - first or not self._joined(first, last):
            return AnswerMention(marked, mark.label, start=self._near(first))
        from_ = self._ours[start].start() + max(0, mark.start - self._theirs[first].start())
        to = self._ours[end].end() - max(0, self._theirs[last].end() - mark.end)
        return AnswerMention(self._text[from_:to], mark.label, start=from_, end=to)

    def _block(self, word: int) -> tuple[int, int, int]:
        at = bisect_right(self._starts, word) - 1
        return self._blocks[at] if at >= 0 else (0, 0, 0)

    def _our_word(self, word: int) -> int | None:
        start, ours, length = self._block(word)
        return ours + word - start if word < start + length else None

    def _joined(self, first: int, last: int) -> bool:
        return all(self._our_word(word) is not None for word in range(first, last))

    def _near(self, word: int) -> int | None:
        """Return the offset of the last word before this one that both texts have."""
        start, ours, length = self._block(word)
        return self._ours[ours + min(word - start, length - 1)].start() if length else None
