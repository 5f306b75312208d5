"""Precision, recall and F1 of mentions, with intervals; what kind of error a wrong one is lives in ``errors``.

Three ways to count, each per label and over all labels together (``micro``):

``strict``
    Same start, end and label: the measure of CoNLL-2003 and the ``strict`` one of SemEval-2013 task 9.1.
``overlap``
    Same label and at least one shared character, each mention used once: the ``type`` measure of SemEval-2013
    task 9.1 (``ent_type`` in nervaluate), counted one to one, so that a long mention cannot pay for several.
``token``
    Pairs of token and label, without regard to where a mention begins. White space tokens do not count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from clinical_distilled.corpora.docs import doc_id
from clinical_distilled.corpora.mentions import LABELS, Mention
from clinical_distilled.errors import InputError

METRICS = ("strict", "overlap", "token")
MICRO = "micro"
UNKNOWN_LABELS = "unknown_labels"  # in `user_data`: the labels a document's reference says nothing about
RESAMPLES = 1000

Mentions = Sequence[Mention]
Row = dict[str, Any]  # {"p": float, "r": float, "f": float, "ci": [low, high]}
Scores = dict[str, dict[str, Row]]  # measure -> "micro" or label -> row


@dataclass(frozen=True)
class Truth:
    """What systems are compared with: one entry per document in each list.

    Attributes
    ----------
    ids : tuple of str
        The documents' ``doc_id``.
    mentions : tuple of sequences of Mention
        The mentions taken as right.
    tokens : tuple of arrays, shape (tokens, 2)
        Start and end offset of each token that is not white space.
    unknown : tuple of frozenset of str
        Labels that were not annotated in the document: unknown, not absent. They are not scored there.
    labels : tuple of str
        The labels to score.
    """

    ids: tuple[str, ...]
    mentions: tuple[Mentions, ...]
    tokens: tuple[NDArray[np.int64], ...]
    unknown: tuple[frozenset[str], ...]
    labels: tuple[str, ...]


def truth_of(docs: Sequence[Doc], mentions: Sequence[Mentions], labels: Sequence[str] = LABELS) -> Truth:
    """Take `mentions` (one list per document) as what is right in `docs`.

    Raises
    ------
    InputError
        If there is no document, or a mention has a label that is not among `labels`; names the document.
    """
    if not docs:
        raise InputError("There is no document to score. Look at the split's size in the corpus step.")
    for doc, found in zip(docs, mentions, strict=True):
        strange = sorted({mention.label for mention in found} - set(labels))
        if strange:
            raise InputError(
                f"Document {doc_id(doc)}: its reference has the label {strange[0]!r}, "
                f"known are {', '.join(labels)}. Map or remove it, or add it to the labels."
            )
    return Truth(
        ids=tuple(doc_id(doc) for doc in docs),
        mentions=tuple(mentions),
        tokens=tuple(_token_borders(doc) for doc in docs),
        unknown=tuple(frozenset(doc.user_data.get(UNKNOWN_LABELS, ())) for doc in docs),
        labels=tuple(labels),
    )


def known(truth: Truth, mentions: Sequence[Mentions]) -> list[list[Mention]]:
    """Return the mentions whose label is scored in their document."""
    return [
        [mention for mention in found if mention.label in truth.labels and mention.label not in unknown]
        for found, unknown in zip(mentions, truth.unknown, strict=True)
    ]


def score(truth: Truth, predicted: Sequence[Mentions], seed: int = 0) -> Scores:
    """Score a system's mentions, one list per document in the order of `truth`.

    Returns
    -------
    dict
        ``{"strict"|"overlap"|"token": {"micro"|LABEL: {"p", "r", "f", "ci"}}}``, shares from 0 to 1. ``ci`` is
        the 95 % percentile interval of F1 over 1,000 resamples of the documents. A label that neither side has
        is left out.
    """
    return {
        measure: {
            name: summary(counts[name], seed) for name in (MICRO, *truth.labels) if name == MICRO or counts[name].any()
        }
        for measure, counts in counts_of(truth, predicted).items()
    }


def summary(counts: NDArray[np.int64], seed: int = 0) -> Row:
    """Turn counts per document into precision, recall, F1 and its 95 % document-bootstrap interval.

    Parameters
    ----------
    counts : array, shape (documents, 3)
        True positives, false positives and false negatives of each document.
    seed : int
        Of the resampling. The same seed draws the same documents for every system, so that systems are
        resampled together.

    Returns
    -------
    dict
        ``p``, ``r``, ``f`` and ``ci = [low, high]``, rounded to four digits; 0 where undefined (0 / 0).
    """
    tp, fp, fn = (int(value) for value in counts.sum(axis=0))
    resampled = resample_weights(len(counts), seed) @ counts.astype(np.float64)
    values = f1(resampled)
    low, high = np.nanpercentile(values, [2.5, 97.5]) if not np.isnan(values).all() else (0.0, 0.0)
    return {
        "p": round(tp / (tp + fp), 4) if tp + fp else 0.0,
        "r": round(tp / (tp + fn), 4) if tp + fn else 0.0,
        "f": round(2 * tp / (2 * tp + fp + fn), 4) if tp + fp + fn else 0.0,
        "ci": [round(float(low), 4), round(float(high), 4)],
    }


def f1(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 of counts of shape (..., 3): true positives, false positives, false negatives; nan for 0 / 0."""
    tp, wrong = counts[..., 0], counts[..., 1] + counts[..., 2]
    with np.errstate(invalid="ignore"):
        result: NDArray[np.float64] = 2 * tp / (2 * tp + wrong)
    return result


@lru_cache(maxsize=4)
def resample_weights(documents: int, seed: int) -> NDArray[np.float64]:
    """Return how often each document is drawn in each resample, shape (1,000, documents)."""
    drawn = np.random.default_rng(seed).multinomial(documents, np.full(documents, 1 / documents), size=RESAMPLES)
    return drawn.astype(np.float64)


def strict_hits(gold: Mentions, found: Mentions) -> int:
    """Count mentions with the same start, end and label on both sides."""
    return len(set(gold) & set(found))


def overlap_hits(gold: Mentions, found: Mentions) -> int:
    """Count the pairs of mentions of one label that share a character, each mention in one pair at most.

    Going from left to right and pairing each mention with the first free one it touches finds the most pairs
    where the mentions of a side do not overlap each other, as entities never do.
    """
    left, right, hits = sorted(set(gold)), sorted(set(found)), 0
    i = j = 0
    while i < len(left) and j < len(right):
        a, b = left[i], right[j]
        if a.start < b.end and b.start < a.end:
            hits, i, j = hits + 1, i + 1, j + 1
        elif a.end <= b.end:
            i += 1
        else:
            j += 1
    return hits


def counts_of(truth: Truth, predicted: Sequence[Mentions]) -> dict[str, dict[str, NDArray[np.int64]]]:
    """Count per measure and label: arrays of shape (documents, 3), ``micro`` being the sum over the labels.

    The three columns are true positives, false positives and false negatives.
    """
    gold, found = known(truth, truth.mentions), known(truth, predicted)
    table = np.zeros((len(METRICS), len(truth.labels), len(truth.ids), 3), dtype=np.int64)
    for column, label in enumerate(truth.labels):
        for row, borders in enumerate(truth.tokens):
            mine = {mention for mention in gold[row] if mention.label == label}
            theirs = {mention for mention in found[row] if mention.label == label}
            if mine or theirs:
                table[:, column, row] = _document_counts(borders, mine, theirs)
    return {
        measure: {MICRO: table[depth].sum(axis=0)} | dict(zip(truth.labels, table[depth], strict=True))
        for depth, measure in enumerate(METRICS)
    }


def _document_counts(
    borders: NDArray[np.int64], gold: set[Mention], found: set[Mention]
) -> tuple[tuple[int, int, int], ...]:
    """Count one label in one document, by each measure."""
    tokens, found_tokens = _covered(borders, gold), _covered(borders, found)
    return (
        _triple(strict_hits([*gold], [*found]), len(gold), len(found)),
        _triple(overlap_hits([*gold], [*found]), len(gold), len(found)),
        _triple(int((tokens & found_tokens).sum()), int(tokens.sum()), int(found_tokens.sum())),
    )


def _triple(hits: int, gold: int, found: int) -> tuple[int, int, int]:
    return hits, found - hits, gold - hits


def _covered(borders: NDArray[np.int64], mentions: Iterable[Mention]) -> NDArray[np.bool_]:
    """Mark the tokens that share a character with a mention, shape (tokens,)."""
    marked = np.zeros(len(borders), dtype=np.bool_)
    for start, end, _ in mentions:
        first = int(np.searchsorted(borders[:, 1], start, side="right"))
        last = int(np.searchsorted(borders[:, 0], end, side="left"))
        marked[first:last] = True
    return marked


def _token_borders(doc: Doc) -> NDArray[np.int64]:
    borders = [(token.idx, token.idx + len(token)) for token in doc if not token.is_space]
    return np.array(borders, dtype=np.int64).reshape(-1, 2)


def score_systems(truth: Truth, systems: Mapping[str, Sequence[Mentions]], seed: int = 0) -> dict[str, Scores]:
    """Score several systems against the same truth: name -> scores."""
    return {name: score(truth, mentions, seed) for name, mentions in systems.items()}
