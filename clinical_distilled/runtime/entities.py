"""Entities: a model's scores as a document's entities, with how sure the model is of each."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from spacy.tokens import Doc, Span
from spacy.util import filter_spans

from .inputs import Reading
from .tags import Scores, Tags, log_softmax

CONFIDENCE = "confidence"


def set_entities(doc: Doc, reading: Reading, scores: Scores, tags: Tags) -> None:
    """Add the best legal reading of the scores to ``doc.ents``.

    Entities that are already there stay, and win over any that overlap them, as in spaCy's own ``ner``.
    Each new span carries its probability in ``span._.confidence``; one that was there before has None.

    Parameters
    ----------
    scores
        Logits, shape (read tokens, tags).
    """
    if not Span.has_extension(CONFIDENCE):
        Span.set_extension(CONFIDENCE, default=None)
    probabilities = np.exp(log_softmax(scores))
    tokens = reading.pieces.tokens
    found = []
    for entity in tags.entities(tags.decode(scores)):
        span = Span(doc, int(tokens[entity.start]), int(tokens[entity.end - 1]) + 1, label=tags.labels[entity.label])
        span._.set(CONFIDENCE, round(tags.confidence(entity, probabilities), 6))
        found.append(span)
    kept = list(doc.ents)
    doc.ents = [*kept, *_outside(found, kept, len(doc))] if kept else found


def _outside(spans: Sequence[Span], kept: Sequence[Span], length: int) -> list[Span]:
    """Return the spans that share no token with those kept."""
    taken: npt.NDArray[np.bool_] = np.zeros(length, dtype=bool)
    for span in kept:
        taken[span.start : span.end] = True
    return [span for span in filter_spans(spans) if not taken[span.start : span.end].any()]
