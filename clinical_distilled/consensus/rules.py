"""Rules: from the teachers' votes on a label to the mass of each span and whether it is kept."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clinical_distilled.consensus.ballots import Ballot
from clinical_distilled.consensus.label_models import fit
from clinical_distilled.consensus.verdicts import Verdict, settle

Decide = Callable[[Ballot], Verdict]
Fit = Callable[[Ballot, "NDArray[np.float64] | None"], Decide]
"""Make a rule from a ballot to learn from, without gold, and the teachers' precision where it is known."""

SINGLE, UNION, MAJORITY, INTERSECTION, PRECISION = "single", "union", "majority", "intersection", "precision_weighted"
DAWID_SKENE, MARKOV = "dawid_skene", "hidden_markov"
DEFAULT = MARKOV  # where no reference can tell which rule is best
_MAX_PRECISION = 0.99  # log-odds grow without end


def at_least(count: int) -> Decide:
    """Keep spans that at least `count` teachers gave; the mass is the share of teachers."""

    def decide(ballot: Ballot) -> Verdict:
        share = ballot.votes.mean(axis=1) if ballot.votes.size else np.zeros(len(ballot.spans))
        kept = settle(ballot.spans, share, ballot.votes.sum(axis=1) >= count)
        return Verdict(ballot.spans, share, kept)

    return decide


def weighted(weights: NDArray[np.float64]) -> Decide:
    """Keep spans given by teachers that have more than half of all weight; the mass is their share of it."""

    def decide(ballot: Ballot) -> Verdict:
        mass = ballot.votes @ (weights / weights.sum())
        return Verdict(ballot.spans, mass, settle(ballot.spans, mass, mass > 0.5))

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
    MAJORITY: lambda ballot, _precision: at_least(majority_of(len(ballot.teachers))),
    INTERSECTION: lambda ballot, _precision: at_least(len(ballot.teachers)),
    PRECISION: lambda _ballot, precision: by_precision(_needed(precision)),
    DAWID_SKENE: lambda ballot, _precision: fit(ballot, markov=False),
    MARKOV: lambda ballot, _precision: fit(ballot, markov=True),
}


def rule_named(name: str) -> Fit:
    """Return a rule by its name: one of `RULES`, or ``k_of_n`` for at least k of n teachers."""
    if name in RULES:
        return RULES[name]
    count = int(name.partition("_of_")[0])
    return lambda _ballot, _precision: at_least(count)


def rules_of(teachers: int, *, reference: bool) -> tuple[str, ...]:
    """Return the names of the rules that differ from each other for a number of teachers."""
    if teachers == 1:
        return (SINGLE,)
    between = [MAJORITY if count == majority_of(teachers) else f"{count}_of_{teachers}" for count in range(2, teachers)]
    return (UNION, *between, INTERSECTION, *((PRECISION,) if reference else ()), DAWID_SKENE, MARKOV)


def majority_of(teachers: int) -> int:
    """Return how many are more than half."""
    return teachers // 2 + 1


def _needed(precision: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if precision is None:
        raise ValueError("precision-weighted voting needs a reference")
    return precision
