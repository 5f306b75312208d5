"""Votes as sequences: the runs of tokens that some teacher marked, each different pattern of tags once.

Most tokens of a note are marked by nobody, and most runs look alike. A model over sequences that takes the tokens
nobody marked as outside needs to see each pattern once, with its number.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical_distilled.consensus.ballots import Ballot
from clinical_distilled.consensus.verdicts import settle

OUTSIDE, BEGIN, INSIDE = 0, 1, 2


@dataclass(frozen=True)
class Runs:
    """The runs of a ballot.

    Attributes
    ----------
    tags : array of uint8, shape (patterns, longest, teachers)
        What each teacher says of each token of a pattern; outside behind its end.
    lengths, counts : arrays, shape (patterns,)
        Tokens of each pattern, and how often it occurs.
    pattern, document, start : arrays, shape (runs,)
        The pattern of each run, its document and its first token there.
    offsets : array, shape (documents,)
        Where each document begins when all are laid out one behind the other, with one token between them.
    outside : int
        Tokens that no teacher marked.
    """

    tags: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    counts: NDArray[np.int64]
    pattern: NDArray[np.int64]
    document: NDArray[np.int64]
    start: NDArray[np.int64]
    offsets: NDArray[np.int64]
    outside: int


def runs_of(ballot: Ballot) -> Runs:
    """Lay a ballot's votes out as tags and collect the runs."""
    offsets = np.concatenate([[0], np.cumsum(ballot.lengths + 1)])
    tags = _tags(ballot, offsets)
    marked = np.concatenate([[False], tags.any(axis=1), [False]])
    edges = np.flatnonzero(marked[1:] != marked[:-1])
    first, last = edges[::2], edges[1::2]
    seen: dict[bytes, int] = {}
    pattern = np.array(
        [seen.setdefault(tags[a:b].tobytes(), len(seen)) for a, b in zip(first, last, strict=True)], dtype=np.int64
    )
    teachers = len(ballot.teachers)
    lengths = np.array([len(key) // teachers for key in seen], dtype=np.int64)
    padded = np.zeros((len(seen), int(lengths.max(initial=0)), teachers), dtype=np.uint8)
    for number, key in enumerate(seen):
        padded[number, : lengths[number]] = np.frombuffer(key, dtype=np.uint8).reshape(-1, teachers)
    document = np.searchsorted(offsets, first, side="right") - 1
    return Runs(
        tags=padded,
        lengths=lengths,
        counts=np.bincount(pattern, minlength=len(seen)),
        pattern=pattern,
        document=document,
        start=first - offsets[document],
        offsets=offsets[:-1],
        outside=int(ballot.lengths.sum() - (last - first).sum()),
    )


def _tags(ballot: Ballot, offsets: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Tag all tokens of all documents: shape (tokens + one per document, teachers)."""
    tags = np.zeros((int(offsets[-1]), len(ballot.teachers)), dtype=np.uint8)
    for column in range(len(ballot.teachers)):
        spans = ballot.spans[ballot.votes[:, column]]
        # Of a teacher's spans that overlap, the longest counts.
        spans = spans[settle(spans, np.ones(len(spans)), np.ones(len(spans), dtype=np.bool_))]
        first, width = offsets[spans[:, 0]] + spans[:, 1], spans[:, 2] - spans[:, 1]
        inside = np.repeat(first, width) + np.arange(width.sum()) - np.repeat(np.cumsum(width) - width, width)
        tags[inside, column] = INSIDE
        tags[first, column] = BEGIN
    return tags
