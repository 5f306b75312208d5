"""The combine step: merged documents get their entities and the mass of every candidate mention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span

from clinical_distilled.consensus.ballots import Ballot, ballot_of, gold_of
from clinical_distilled.consensus.choose import Choice, choose
from clinical_distilled.consensus.labelers import labeler_report
from clinical_distilled.consensus.verdicts import Verdict, settle
from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.mentions import LABELS, set_group
from clinical_distilled.errors import InputError
from clinical_distilled.evaluation.evaluate import COMBINED
from clinical_distilled.evaluation.metrics import Scores, score_systems, truth_of
from clinical_distilled.evaluation.report import DISCLAIMER
from clinical_distilled.evaluation.systems import VOTES, annotated, entity_mentions, group_mentions, reference_mentions

Splits = Mapping[str, Sequence[Doc]]  # "train", "dev", "test" -> merged documents


@dataclass(frozen=True)
class Combination:
    """What was chosen for each label, how good it is on dev, and what it did to the mentions of each split.

    Attributes
    ----------
    choices : dict
        Label -> choice.
    dev : dict
        System (each teacher, ``combined``) -> scores on dev's reference; empty where dev has none.
    accounts : dict
        Split -> account of the candidate mentions.
    labelers : dict
        What `labeler_report` says of the teachers.
    """

    choices: dict[str, Choice]
    dev: dict[str, Scores]
    accounts: dict[str, Account]
    labelers: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return what is written to ``metrics/combine.json``."""
        return {
            "chosen_by": {
                label: "strict F1 on dev" if choice.best.row else "default: dev has no reference of this label"
                for label, choice in self.choices.items()
            },
            "choice": {label: choice.best.to_json() for label, choice in self.choices.items()},
            "schemes": {label: [one.to_json() for one in choice.compared] for label, choice in self.choices.items()},
            "dev": self.dev,
            "labelers": self.labelers,
            "disclaimer": DISCLAIMER if self.dev else None,
            "accounts": {split: account.to_json() for split, account in self.accounts.items()},
        }


def combine(
    splits: Splits,
    declared: Mapping[str, Sequence[str]],
    labels: Sequence[str] = LABELS,
    *,
    search: bool = False,
    seed: int = 0,
) -> Combination:
    """Choose a scheme per label on dev and set ``doc.ents`` and ``doc.spans["votes"]`` of all documents.

    Parameters
    ----------
    splits
        Merged documents of "train", "dev" and "test"; changed in place.
    declared
        Teacher -> the labels it can give. It does not vote on others.
    search
        Compare every subset of teachers, not only each alone and all together.

    Raises
    ------
    InputError
        If no teacher marked a single mention of a label in train, or a reference has an unknown label.
    """
    voters = {label: tuple(name for name, can in declared.items() if label in can) for label in labels}
    ballots = {
        split: {label: ballot_of(docs, label, voters[label]) for label in labels} for split, docs in splits.items()
    }
    _check_mentions(ballots["train"])
    if judged := annotated(splits["dev"]):
        truth_of(judged, reference_mentions(judged), labels)  # refuses unknown labels before the work
    choices = {
        label: choose(
            ballots["train"][label], ballots["dev"][label], gold_of(splits["dev"], label), search=search, seed=seed
        )
        for label in labels
    }
    accounts = {
        split: apply({label: choices[label].verdict(ballots[split][label]) for label in labels}, docs)
        for split, docs in splits.items()
    }
    dev = _dev_scores(splits["dev"], list(declared), labels, seed)
    return Combination(choices, dev, accounts, labeler_report(splits["train"], declared, labels, dev))


def apply(verdicts: Mapping[str, Verdict], docs: Sequence[Doc]) -> Account:
    """Write the verdicts of all labels to the documents: hard ``doc.ents``, soft ``doc.spans["votes"]``.

    Where spans of different labels overlap, the higher mass wins, then the longer span, then the earlier, then
    the earlier label. ``votes`` holds each candidate's borders once, labelled with its heaviest label; the
    group's attribute ``mass`` runs parallel to it: ``[{label: mass}, ...]``.

    Returns
    -------
    Account
        Candidates of all labels; dropped are those without enough votes and those that lost to another label.
    """
    labels = list(verdicts)
    numbers = np.concatenate([np.full(len(verdict.spans), row) for row, verdict in enumerate(verdicts.values())])
    spans = np.concatenate([verdict.spans for verdict in verdicts.values()])
    mass = np.concatenate([verdict.mass for verdict in verdicts.values()])
    wanted = np.concatenate([verdict.kept for verdict in verdicts.values()])
    order = np.lexsort((numbers, spans[:, 2], spans[:, 1], spans[:, 0]))
    numbers, spans, mass, wanted = numbers[order], spans[order], mass[order], wanted[order]
    kept = settle(spans, mass, wanted)
    borders = np.searchsorted(spans[:, 0], np.arange(len(docs) + 1))
    for row, doc in enumerate(docs):
        here = slice(borders[row], borders[row + 1])
        found = [
            (int(start), int(end), labels[number], float(share), bool(wins))
            for (_, start, end), number, share, wins in zip(
                spans[here], numbers[here], mass[here], kept[here], strict=True
            )
        ]
        doc.set_ents([Span(doc, start, end, label=label) for start, end, label, _, wins in found if wins])
        _set_votes(doc, found)
    account = Account("candidates", len(spans), int(kept.sum()))
    account.dropped.update(
        {
            "not enough votes": int((~wanted).sum()),
            "overlaps a better one of another label": int((wanted & ~kept).sum()),
        }
    )
    return account


def _set_votes(doc: Doc, found: Sequence[tuple[int, int, str, float, bool]]) -> None:
    masses: dict[tuple[int, int], dict[str, float]] = {}
    for start, end, label, share, _ in found:
        masses.setdefault((start, end), {})[label] = round(share, 4)
    spans = [Span(doc, *borders, label=max(mass, key=lambda label: mass[label])) for borders, mass in masses.items()]
    set_group(doc, VOTES, spans, mass=list(masses.values()))


def _check_mentions(ballots: Mapping[str, Ballot]) -> None:
    empty = [label for label, ballot in ballots.items() if not len(ballot.spans)]
    if empty:
        raise InputError(
            f"No teacher marked a single {' or '.join(empty)} in train, so a student could not learn it. "
            "Add a teacher that can, give more notes, or leave the label out."
        )


def _dev_scores(docs: Sequence[Doc], teachers: Sequence[str], labels: Sequence[str], seed: int) -> dict[str, Scores]:
    judged = annotated(docs)
    if not judged:
        return {}
    systems = {name: group_mentions(judged, name) for name in teachers} | {COMBINED: entity_mentions(judged)}
    return score_systems(truth_of(judged, reference_mentions(judged), labels), systems, seed)
