"""Mentions as votes: which teacher gave which exact span, one ballot per label, in arrays that are quick to count."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from clinical_distilled.corpora.docs import REFERENCE
from clinical_distilled.evaluation.metrics import UNKNOWN_LABELS

Spans = NDArray[np.int64]  # shape (spans, 3): document, first token, end token (exclusive)
_BITS = 21  # of a token's index inside a key: notes have fewer than two million tokens


@dataclass(frozen=True)
class Ballot:
    """The candidates of one label: every span that at least one teacher gave.

    Attributes
    ----------
    label : str
    teachers : tuple of str
        Those that can give the label, and no other: the rest do not vote.
    spans : array, shape (spans, 3)
        Document, first token and end token, sorted, each once.
    votes : array of bool, shape (spans, teachers)
        Who gave it.
    lengths : array, shape (documents,)
        Tokens of each document.
    """

    label: str
    teachers: tuple[str, ...]
    spans: Spans
    votes: NDArray[np.bool_]
    lengths: NDArray[np.int64]

    def of(self, teachers: Sequence[str]) -> "Ballot":
        """Return the ballot of some of the teachers; spans that none of them gave are gone."""
        votes = self.votes[:, [self.teachers.index(teacher) for teacher in teachers]]
        given = votes.any(axis=1)
        return replace(self, teachers=tuple(teachers), spans=self.spans[given], votes=votes[given])


@dataclass(frozen=True)
class Gold:
    """The reference mentions of one label.

    Attributes
    ----------
    spans : array, shape (mentions, 3)
        Sorted, each once, of documents where the label is annotated.
    annotated : array of bool, shape (documents,)
        Whether the document has a reference that speaks of the label.
    """

    spans: Spans
    annotated: NDArray[np.bool_]


def ballot_of(docs: Sequence[Doc], label: str, teachers: Sequence[str]) -> Ballot:
    """Collect the votes for a label from ``doc.spans[teacher]`` of each document."""
    given: dict[tuple[int, int, int], set[int]] = {}
    for row, doc in enumerate(docs):
        for column, teacher in enumerate(teachers):
            for span in doc.spans[teacher]:
                if span.label_ == label:
                    given.setdefault((row, span.start, span.end), set()).add(column)
    spans = sorted(given)
    votes = np.zeros((len(spans), len(teachers)), dtype=np.bool_)
    for number, span in enumerate(spans):
        votes[number, list(given[span])] = True
    lengths = np.array([len(doc) for doc in docs], dtype=np.int64)
    return Ballot(label, tuple(teachers), as_spans(spans), votes, lengths)


def gold_of(docs: Sequence[Doc], label: str) -> Gold:
    """Collect the reference mentions of a label; a document without a reference of it is not annotated."""
    annotated = [REFERENCE in doc.spans and label not in doc.user_data.get(UNKNOWN_LABELS, ()) for doc in docs]
    spans = {
        (row, span.start, span.end)
        for row, doc in enumerate(docs)
        if annotated[row]
        for span in doc.spans[REFERENCE]
        if span.label_ == label
    }
    return Gold(as_spans(sorted(spans)), np.array(annotated, dtype=np.bool_))


def as_spans(spans: Sequence[tuple[int, int, int]]) -> Spans:
    """Return spans as an array of shape (spans, 3), also where there is none."""
    return np.array(spans, dtype=np.int64).reshape(-1, 3)


def keys(spans: Spans) -> NDArray[np.int64]:
    """Return one number per span, different for different spans and in their order."""
    result: NDArray[np.int64] = (spans[:, 0] << (2 * _BITS)) | (spans[:, 1] << _BITS) | spans[:, 2]
    return result


def hits(spans: Spans, gold: Gold) -> NDArray[np.bool_]:
    """Tell which spans are reference mentions, shape (spans,)."""
    return np.isin(keys(spans), keys(gold.spans))


def strict_counts(spans: Spans, gold: Gold) -> NDArray[np.int64]:
    """Count strict true positives, false positives and false negatives in the annotated documents.

    Returns
    -------
    array, shape (annotated documents, 3)
    """
    documents = len(gold.annotated)
    right = np.bincount(spans[hits(spans, gold), 0], minlength=documents)
    found = np.bincount(spans[:, 0], minlength=documents)
    there = np.bincount(gold.spans[:, 0], minlength=documents)
    counts: NDArray[np.int64] = np.stack([right, found - right, there - right], axis=1)[gold.annotated]
    return counts


def precisions(ballot: Ballot, gold: Gold) -> NDArray[np.float64] | None:
    """Return each teacher's precision in the annotated documents, smoothed by one right and one wrong mention.

    None where no document is annotated.
    """
    if not gold.annotated.any():
        return None
    votes = ballot.votes & gold.annotated[ballot.spans[:, 0], None]
    right = (votes & hits(ballot.spans, gold)[:, None]).sum(axis=0)
    result: NDArray[np.float64] = (right + 1) / (votes.sum(axis=0) + 2)
    return result
