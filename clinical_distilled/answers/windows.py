"""Windows: a note too long for a model's context, cut at sections, lines or sentences, with overlap.

Each token belongs to the core of one window, the one that sees most around it; of what two windows say about their
overlap, the core's window counts.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from spacy.tokens import Doc

_OVERLAP = 40  # tokens seen by two windows, where they are large enough


@dataclass(frozen=True)
class Window:
    """A stretch of a document that is asked about on its own; all positions are token indices, ends exclusive.

    Attributes
    ----------
    whole : Doc
        The document it belongs to.
    start, end : int
        What the window shows.
    core_start, core_end : int
        The part that it decides.
    """

    whole: Doc
    start: int
    end: int
    core_start: int
    core_end: int

    @property
    def doc(self) -> Doc:
        """The window as a document; the whole document itself, if the window shows all of it."""
        return self.whole if self.end - self.start == len(self.whole) else self.whole[self.start : self.end].as_doc()

    def decides(self, start: int) -> bool:
        """Say whether a mention that starts at this token of the whole document is this window's to decide."""
        return self.core_start <= start < self.core_end


def estimate_tokens(text: str) -> float:
    """Estimate a text's length in a model's tokens: a token per three bytes, more than clinical English needs."""
    return len(text.encode("utf-8", "surrogatepass")) / 3


def whole(doc: Doc) -> Window:
    """Return the one window that shows a whole document."""
    return Window(doc, 0, len(doc), 0, len(doc))


def cut(doc: Doc, budget: float, count: Callable[[str], float] = estimate_tokens) -> list[Window]:
    """Cut a document into windows of at most `budget` tokens of the model each.

    Parameters
    ----------
    budget
        In the unit of `count`. A single token of the document that is longer makes a window all the same.
    count
        Counts the model's tokens of a text.
    """
    upto = [0, *accumulate(count(token.text_with_ws) for token in doc)]
    if upto[-1] <= budget:
        return [whole(doc)]
    quality = [_break_before(doc, i) for i in range(len(doc) + 1)]
    borders = [0]
    ends: list[int] = []
    while not ends or ends[-1] < len(doc):
        start = borders[-1]
        limit = max(start + 1, bisect_right(upto, upto[start] + budget) - 1)
        end = len(doc) if limit >= len(doc) else _best(quality, (start + limit) // 2 + 1, limit)
        ends.append(end)
        back = min(_OVERLAP, (end - start) // 4)
        borders.append(max(start + 1, _best(quality, end - back, end - back // 2) if back else end))
    cores = [0, *((end + start + 1) // 2 for end, start in zip(ends, borders[1:], strict=False))]
    cores[len(ends)] = len(doc)
    return [Window(doc, borders[i], end, cores[i], cores[i + 1]) for i, end in enumerate(ends)]


def _break_before(doc: Doc, i: int) -> int:
    """Return how good it is to cut before a token: 3 at a section, 2 at a line, 1 at a sentence, 0 elsewhere."""
    if i in (0, len(doc)):
        return 3
    before = doc[i - 1]
    if before.is_space and "\n" in before.text:
        return 3 if before.text.count("\n") > 1 else 2
    return 1 if before.text in (".", "!", "?", ";") and not doc[i].is_space else 0


def _best(quality: list[int], first: int, last: int) -> int:
    """Return the last of the best places to cut in [first, last]."""
    return max(range(min(first, last), last + 1), key=lambda i: (quality[i], i))
