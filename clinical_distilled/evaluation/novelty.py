"""Seen and unseen mentions: what a system does with names that were in the training data, and with new ones."""

from collections.abc import Sequence
from dataclasses import replace

from spacy.tokens import Doc

from clinical_distilled.corpora.mentions import Mention
from clinical_distilled.evaluation.metrics import Mentions, Row, Truth, score

SEEN, UNSEEN = "seen", "unseen"
Surfaces = frozenset[tuple[str, str]]  # (label, surface in lower case with single spaces)


def surfaces_of(docs: Sequence[Doc], mentions: Sequence[Mentions]) -> Surfaces:
    """Return the labelled surfaces of mentions, one list of them per document: what a student was taught."""
    return frozenset(_surface(doc, mention) for doc, found in zip(docs, mentions, strict=True) for mention in found)


def score_by_novelty(
    truth: Truth, docs: Sequence[Doc], predicted: Sequence[Mentions], taught: Surfaces, seed: int = 0
) -> dict[str, dict[str, Row]]:
    """Score seen and unseen mentions apart, strictly.

    A mention is seen where its surface was taught with its label. Gold and found mentions are sorted by their own
    surface; a strict hit has the same one on both sides, so no hit is lost by that.

    Returns
    -------
    dict
        ``{"seen"|"unseen": {"micro"|LABEL: {"p", "r", "f", "ci"}}}``.
    """
    result = {}
    for name in (SEEN, UNSEEN):
        gold = [_part(doc, found, taught, name) for doc, found in zip(docs, truth.mentions, strict=True)]
        found = [_part(doc, found, taught, name) for doc, found in zip(docs, predicted, strict=True)]
        result[name] = score(replace(truth, mentions=tuple(gold)), found, seed)["strict"]
    return result


def _part(doc: Doc, mentions: Mentions, taught: Surfaces, name: str) -> list[Mention]:
    return [mention for mention in mentions if (_surface(doc, mention) in taught) == (name == SEEN)]


def _surface(doc: Doc, mention: Mention) -> tuple[str, str]:
    return mention.label, " ".join(doc.text[mention.start : mention.end].casefold().split())
