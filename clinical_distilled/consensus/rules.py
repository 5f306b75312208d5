"""Rules: from the teachers' votes on a label to the mass of each span and whether it is kept."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical_distilled.consensus.ballots import Ballot, Spans


@dataclass(frozen=True)
class Verdict:
    """What a rule makes of a ballot.

    Attributes
    ----------
    spans : array, shape (spans, 3)
        The candidates.
    mass : array, shape (spans,)
        0 to 1: the weighted share of the teachers that gave the span.
    kept : array of bool, shape (spans,)
        Whether the rule takes it. Spans that are kept do not overlap.
    """

    spans: Spans
    mass: NDArray[np.float64]
    kept: NDArray[np.bool_]


Decide = Callable[[Ballot], Verdict]
Fit = Callable[[Ballot, "NDArray[np.float64] | None"], Decide]
"""Make a rule from a ballot to learn from, without gold, and the teachers' precision where it is known."""

SINGLE, UNION, MAJORITY, INTERSECTION, PRECISION = "single", "union", "majority", "intersection", "precision_weighted"
DEFAULT = MAJORITY  # where no reference can tell which rule is best
_MAX_PRECISION = 0.99  # log-odds grow without end


def at_least(count: int) -> Decide:
    """Keep spans that at least `count` teachers gave; the mass is the share of teachers."""

    def decide(ballot: Ballot) -> Verdict:
        share = ballot.votes.mean(axis=1) if ballot.votes.size else np.zeros(len(ballot.spans))
        return settle(ballot.spans, share, ballot.votes.sum(axis=1) >= count)

    return decide


def weighted(weights: NDArray[np.float64]) -> Decide:
    """Keep spans given by teachers that have more than half of all weight; the mass is their share of it."""

    def decide(ballot: Ballot) -> Verdict:
        mass = ballot.votes @ (weights / weights.sum())
        return settle(ballot.spans, mass, mass > 0.5)

    return decide


def by_precision(precision: NDArray[np.float64]) -> Decide:
    """Weigh each teacher by the log-odds of its precision.

    Log-odds are the best weights of independent voters (Nitzan and Paroush 1982): one very precise teacher can
    outvote two poor ones. A teacher that is wrong more often than right has no weight.
    """
    clipped = np.clip(precision, 0.5 + 1e-6, _MAX_PRECISION)
    return weighted(np.log(clipped / (1 - clipped)))


RULES: dict[str, Fit] = {
    SINGLE: lambda _ballot, _precision: at_least(1),
    UNION: lambda _ballot, _precision: at_least(1),
    MAJORITY: lambda ballot, _precision: at_least(len(ballot.teachers) // 2 + 1),
    INTERSECTION: lambda ballot, _precision: at_least(len(ballot.teachers)),
    PRECISION: lambda _ballot, precision: by_precision(_needed(precision)),
}


def rules_of(teachers: int, *, reference: bool) -> tuple[str, ...]:
    """Return the rules that differ from each other for a number of teachers."""
    if teachers == 1:
        return (SINGLE,)
    return (UNION, MAJORITY, PRECISION) if reference else (UNION, MAJORITY)


def settle(spans: Spans, mass: NDArray[np.float64], wanted: NDArray[np.bool_]) -> Verdict:
    """Let the best of overlapping spans win: higher mass, then longer, then earlier."""
    kept = wanted.copy()
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
    return Verdict(spans, mass, kept)


def _clusters(spans: Spans) -> list[NDArray[np.int64]]:
    """Return the index arrays of runs of sorted spans that touch each other, only runs of two or more."""
    if len(spans) < 2:
        return []
    # Documents are laid out one behind the other, so that one running maximum finds every gap.
    width = int(spans[:, 2].max()) + 1
    start, end = spans[:, 0] * width + spans[:, 1], spans[:, 0] * width + spans[:, 2]
    gap = start[1:] >= np.maximum.accumulate(end)[:-1]
    return [group for group in np.split(np.arange(len(spans)), np.flatnonzero(gap) + 1) if len(group) > 1]


def _needed(precision: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if precision is None:
        raise ValueError("precision-weighted voting needs a reference")
    return precision
