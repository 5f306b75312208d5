"""Tags: entities as BIO tags of tokens, and the best legal sequence of tags for a model's scores."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


class Tagged(NamedTuple):
    """An entity in a sequence of tags: positions in the sequence, end exclusive, and the label's index."""

    start: int
    end: int
    label: int


class Tags:
    """The BIO scheme over some labels.

    Tag 0 is O; label i has the tags ``1 + 2 * i`` (B) and ``2 + 2 * i`` (I). An I tag is legal only after a
    B or I tag of its own label.

    Parameters
    ----------
    labels
        Entity labels, in the order of the model's output.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.names = ("O", *(f"{prefix}-{label}" for label in labels for prefix in "BI"))
        kind = np.arange(len(self))
        inside = (kind > 0) & (kind % 2 == 0)
        label = (kind - 1) // 2
        self.legal = ~inside[None, :] | ((kind > 0)[:, None] & (label[:, None] == label[None, :]))
        self.legal_first = ~inside

    def __len__(self) -> int:
        """Return the number of tags."""
        return 1 + 2 * len(self.labels)

    def encode(self, entities: Sequence[Tagged], length: int) -> Ids:
        """Return the tags of a sequence of `length` tokens with these entities, which may not overlap."""
        tags = np.zeros(length, dtype=np.int64)
        for start, end, label in entities:
            tags[start:end] = 2 + 2 * label
            tags[start] = 1 + 2 * label
        return tags

    def entities(self, tags: Ids) -> list[Tagged]:
        """Return the entities of a legal sequence of tags, in order."""
        starts = np.flatnonzero((tags > 0) & (tags % 2 == 1))
        if not len(starts):
            return []
        inside = np.append((tags > 0) & (tags % 2 == 0), False)
        outside = np.flatnonzero(~inside)
        ends = outside[np.searchsorted(outside, starts + 1)]
        labels = (tags[starts] - 1) // 2
        return [Tagged(*row) for row in np.stack([starts, ends, labels], axis=1).tolist()]

    def decode(self, scores: Scores) -> Ids:
        """Return the legal sequence of tags with the highest sum of scores.

        Parameters
        ----------
        scores
            Log-probabilities or logits, shape (tokens, tags).
        """
        tags: Ids = scores.argmax(axis=1)
        # The best tag of each token is the best sequence wherever that sequence is legal.
        if not len(tags) or (self.legal_first[tags[0]] and self.legal[tags[:-1], tags[1:]].all()):
            return tags
        return self._viterbi(scores)

    def _viterbi(self, scores: Scores) -> Ids:
        forbidden = np.where(self.legal, 0.0, -np.inf)
        best = scores[0] + np.where(self.legal_first, 0.0, -np.inf)
        back = np.zeros(scores.shape, dtype=np.int64)
        for position in range(1, len(scores)):
            paths = best[:, None] + forbidden
            back[position] = paths.argmax(axis=0)
            best = paths[back[position], np.arange(len(self))] + scores[position]
        tags = np.empty(len(scores), dtype=np.int64)
        tags[-1] = best.argmax()
        for position in range(len(scores) - 1, 0, -1):
            tags[position - 1] = back[position, tags[position]]
        return tags

    def confidence(self, entity: Tagged, probabilities: Scores) -> float:
        """Return the probability that these are exactly the entity's tags, tokens taken as independent.

        It counts the tag behind the entity too: the entity is right only if it ends there.
        """
        start, end, label = entity
        inside = 2 + 2 * label
        value = float(probabilities[start, inside - 1]) * float(probabilities[start + 1 : end, inside].prod())
        if end < len(probabilities):
            value *= 1.0 - float(probabilities[end, inside])
        return value


def log_softmax(logits: Scores) -> Scores:
    """Return log-probabilities, shape (tokens, tags), of logits of the same shape."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # type: ignore[no-any-return]
