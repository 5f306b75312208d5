"""Which teachers, combined by which rule, are best for a label: every scheme scored on dev, the best one chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from clinical_distilled.consensus.ballots import Ballot, Gold, keys, precisions, strict_counts
from clinical_distilled.consensus.rules import DEFAULT, SINGLE, Decide, rule_named, rules_of
from clinical_distilled.consensus.verdicts import Verdict
from clinical_distilled.evaluation.metrics import Row, summary


@dataclass(frozen=True)
class Scheme:
    """A rule over some of the teachers."""

    teachers: tuple[str, ...]
    rule: str

    def __str__(self) -> str:
        """Write the rule and its teachers: ``majority(a, b, c)``."""
        return self.teachers[0] if self.rule == SINGLE else f"{self.rule}({', '.join(self.teachers)})"


@dataclass(frozen=True)
class Scored:
    """A scheme with its strict precision, recall, F1 and interval on dev; None where dev has no reference."""

    scheme: Scheme
    row: Row | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"rule": self.scheme.rule, "teachers": list(self.scheme.teachers), "dev": self.row}


@dataclass(frozen=True)
class Choice:
    """The scheme chosen for a label, ready to decide, and all that were compared.

    Attributes
    ----------
    best : Scored
        The highest strict F1 on dev; of equals the one with fewer teachers, then the first. Without a reference
        the hidden Markov model over all teachers, or the only teacher.
    compared : tuple of Scored
    decide : callable
        From a ballot of all teachers that can give the label to a verdict.
    """

    best: Scored
    compared: tuple[Scored, ...]
    decide: Decide

    def verdict(self, ballot: Ballot) -> Verdict:
        """Decide on a ballot; candidates of teachers that have no say in the scheme get no mass."""
        verdict = self.decide(ballot)
        spans = np.unique(np.concatenate([verdict.spans, ballot.spans]), axis=0)
        place = np.searchsorted(keys(spans), keys(verdict.spans))
        mass, kept = np.zeros(len(spans)), np.zeros(len(spans), dtype=np.bool_)
        mass[place], kept[place] = verdict.mass, verdict.kept
        return Verdict(spans, mass, kept)


def schemes_of(teachers: Sequence[str], *, reference: bool, search: bool = False) -> list[Scheme]:
    """List the schemes to compare: each teacher alone and all together, or with `search` every subset."""
    sizes = range(1, len(teachers) + 1) if search else sorted({1, len(teachers)})
    return [
        Scheme(subset, rule)
        for size in sizes
        for subset in combinations(teachers, size)
        for rule in rules_of(size, reference=reference)
    ]


def choose(train: Ballot, dev: Ballot, gold: Gold, *, search: bool = False, seed: int = 0) -> Choice:
    """Compare schemes for one label on dev and choose the best.

    Parameters
    ----------
    train : Ballot
        What rules without gold learn from.
    dev, gold
        What schemes are scored on: strict F1. The weights of precision-weighted voting come from here too.
    """
    reference = len(gold.spans) > 0
    compared = [
        _scored(scheme, train, dev, gold, seed)
        for scheme in schemes_of(train.teachers, reference=reference, search=search)
    ]
    if reference:
        best = max(compared, key=lambda scored: (scored.row["f"] if scored.row else 0.0, -len(scored.scheme.teachers)))
    else:
        everyone = Scheme(train.teachers, DEFAULT if len(train.teachers) > 1 else SINGLE)
        best = next(scored for scored in compared if scored.scheme == everyone)
    return Choice(best, tuple(compared), fitted(best.scheme, train, dev, gold))


def fitted(scheme: Scheme, train: Ballot, dev: Ballot, gold: Gold) -> Decide:
    """Make a scheme ready to decide on ballots of all teachers."""
    precision = precisions(dev.of(scheme.teachers), gold)
    decide = rule_named(scheme.rule)(train.of(scheme.teachers), precision)
    return lambda ballot: decide(ballot.of(scheme.teachers))


def _scored(scheme: Scheme, train: Ballot, dev: Ballot, gold: Gold, seed: int) -> Scored:
    if not len(gold.spans):
        return Scored(scheme, None)
    verdict = fitted(scheme, train, dev, gold)(dev)
    return Scored(scheme, summary(strict_counts(verdict.spans[verdict.kept], gold), seed))
