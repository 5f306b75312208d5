"""Verdicts: the mass of each span and whether it is kept; and which of overlapping spans wins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical_distilled.consensus.ballots import Spans


@dataclass(frozen=True)
class Verdict:
    """What a rule makes of a ballot.

    Attributes
    ----------
    spans : array, shape (spans, 3)
        The candidates.
    mass : array, shape (spans,)
        0 to 1: the weighted share of the teachers that gave the span, or its probability in a label model.
    kept : array of bool, shape (spans,)
        Whether the rule takes it. Spans that are kept do not overlap.
    """

    spans: Spans
    mass: NDArray[np.float64]
    kept: NDArray[np.bool_]


def settle(spans: Spans, mass: NDArray[np.float64], wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Let the best of overlapping spans win: higher mass, then longer, then earlier.

    Parameters
    ----------
    spans : array, shape (spans, 3)
        Sorted.
    mass : array, shape (spans,)
    wanted : array of bool, shape (spans,)
        The spans that compete; no other is kept.

    Returns
    -------
    array of bool, shape (spans,)
        The spans to keep: none overlaps another.
    """
    kept: NDArray[np.bool_] = wanted.copy()
    numbers = np.flatnonzero(wanted)
    for group in _clusters(spans[numbers]):
        taken: list[NDArray[np.int64]] = []
        chosen = numbers[group]
        order = np.lexsort((spans[chosen, 1], spans[chosen, 1] - spans[chosen, 2], -mass[chosen].round(9)))
        for number in chosen[order]:
            span = spans[number]
            kept[number] = all(span[2] <= other[1] or other[2] <= span[1] for other in taken)
            if kept[number]:
                taken.append(span)
    return kept


def _clusters(spans: Spans) -> list[NDArray[np.int64]]:
    """Return the index arrays of runs of sorted spans that touch each other, only runs of two or more."""
    if len(spans) < 2:
        return []
    # Documents are laid out one behind the other, so that one running maximum finds every gap.
    width = int(spans[:, 2].max()) + 1
    start, end = spans[:, 0] * width + spans[:, 1], spans[:, 0] * width + spans[:, 2]
    gap = start[1:] >= np.maximum.accumulate(end)[:-1]
    return [group for group in np.split(np.arange(len(spans)), np.flatnonzero(gap) + 1) if len(group) > 1]
