"""Windows: a note of any length as overlapping stretches of whole tokens that fit the encoder."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Window(NamedTuple):
    """A stretch of tokens the encoder reads at once, and the part of it whose predictions are used.

    All are token positions, ends exclusive: ``start <= keep_start < keep_end <= end``.
    """

    start: int
    end: int
    keep_start: int
    keep_end: int


def windows(counts: npt.NDArray[np.int64], size: int, overlap: int) -> list[Window]:
    """Cut a sequence of tokens into windows.

    Neighbouring windows share about `overlap` word pieces; each token is kept from the window in which it
    stands further from the edge, so the kept parts follow each other without gap or overlap.

    Parameters
    ----------
    counts
        Word pieces of each token, each between 1 and `size`.
    size
        The most word pieces in a window.
    overlap
        Word pieces shared by neighbours, less than `size`.

    Raises
    ------
    ValueError
        If a count or `overlap` is out of its range.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"overlap must be between 0 and the window size {size}, not {overlap}")
    if not len(counts):
        return []
    if counts.min() < 1 or counts.max() > size:
        raise ValueError(f"a token must have between 1 and {size} word pieces")
    offsets = np.concatenate([[0], np.cumsum(counts)])
    spans: list[tuple[int, int]] = []
    start = end = 0
    while end < len(counts):
        end = int(np.searchsorted(offsets, offsets[start] + size, side="right")) - 1
        spans.append((start, end))
        start = max(start + 1, int(np.searchsorted(offsets, offsets[end] - overlap)))
    starts = [0, *((after + before) // 2 for (_, before), (after, _) in pairwise(spans))]
    return [
        Window(start, end, keep_start, keep_end)
        for (start, end), keep_start, keep_end in zip(spans, starts, [*starts[1:], len(counts)], strict=True)
    ]
