"""Targets: what a document's annotation asks of each token, and the loss that measures it."""

from typing import NamedTuple

import numpy as np
import torch
from spacy.tokens import Doc
from torch import Tensor

from clinical_distilled.runtime.inputs import Reading
from clinical_distilled.runtime.tags import Scores, Tagged, Tags

VOTES = "votes"  # span group with the mass of each candidate mention
UNKNOWN = "unknown_labels"  # user_data: labels that this document's annotation does not cover


class Targets(NamedTuple):
    """What the loss compares the scores of a document with.

    Attributes
    ----------
    shares : float32 array, shape (read tokens, tags)
        How much of each token belongs to each tag; rows sum to one.
    unknown : bool array, shape (read tokens, tags)
        Tags that may stand behind an O of this document: its annotation does not cover their labels.
    """

    shares: Scores
    unknown: np.ndarray


def targets(doc: Doc, reading: Reading, tags: Tags, soft_weight: float) -> Targets:
    """Return the targets of a document's entities, mixed with the votes of its teachers.

    Parameters
    ----------
    doc
        Its ``ents`` are the hard target. Where it has a span group "votes" with an attribute
        ``mass=[{label: mass}]``, these are the soft one.
    soft_weight
        Weight of the soft target, 0 to 1.
    """
    tokens = reading.pieces.tokens
    hard = np.zeros((len(tokens), len(tags)), dtype=np.float32)
    entities = [
        Tagged(*_read_range(tokens, span.start, span.end), tags.labels.index(span.label_))
        for span in doc.ents
        if span.label_ in tags.labels
    ]
    hard[np.arange(len(tokens)), tags.encode([e for e in entities if e.end > e.start], len(tokens))] = 1
    shares = hard
    if soft_weight and VOTES in doc.spans:
        shares = (1 - soft_weight) * hard + soft_weight * _votes(doc, reading, tags)
    unknown = np.zeros_like(hard, dtype=bool)
    for label in doc.user_data.get(UNKNOWN, ()):
        if label in tags.labels:
            column = 1 + 2 * tags.labels.index(label)
            unknown[:, column : column + 2] = True
    return Targets(shares, unknown)


def loss(logits: Tensor, shares: Tensor, unknown: Tensor) -> Tensor:
    """Return the cross-entropy of each token, shape (tokens,).

    Where labels are unknown, O stands for "O or one of these", so finding them is neither right nor wrong.
    """
    log_probabilities = torch.log_softmax(logits, dim=-1)
    if unknown.any():
        either = unknown.clone()
        either[:, 0] = True
        outside = log_probabilities.masked_fill(~either, -torch.inf).logsumexp(dim=-1)
        log_probabilities = torch.cat([outside[:, None], log_probabilities[:, 1:]], dim=1)
    return -(shares * log_probabilities).sum(dim=-1)


def _votes(doc: Doc, reading: Reading, tags: Tags) -> Scores:
    tokens = reading.pieces.tokens
    mass = np.zeros((len(tokens), len(tags)), dtype=np.float32)
    group = doc.spans[VOTES]
    for span, votes in zip(group, group.attrs["mass"], strict=True):
        start, end = _read_range(tokens, span.start, span.end)
        for label, value in votes.items():
            if label in tags.labels and end > start:
                column = 1 + 2 * tags.labels.index(label)
                mass[start, column] = max(mass[start, column], value)
                mass[start + 1 : end, column + 1] = np.maximum(mass[start + 1 : end, column + 1], value)
    total = mass.sum(axis=1, keepdims=True)
    mass /= np.maximum(total, 1)
    mass[:, 0] = 1 - mass.sum(axis=1)
    return mass


def _read_range(tokens: np.ndarray, start: int, end: int) -> tuple[int, int]:
    """Return the positions of the read tokens among a document's tokens `start` to `end`."""
    first, last = np.searchsorted(tokens, [start, end])
    return int(first), int(last)
