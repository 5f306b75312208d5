"""Mentions: a labelled stretch of a document, and how a span group keeps what else is known of each."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from spacy.tokens import Doc, Span, SpanGroup

LABELS = ("DISEASE", "SYMPTOM", "MEDICATION")


class Mention(NamedTuple):
    """A labelled stretch of text: code point offsets, end exclusive."""

    start: int
    end: int
    label: str


def mentions_of(spans: Iterable[Span]) -> list[Mention]:
    """Return the spans as mentions, sorted, each once."""
    return sorted({Mention(span.start_char, span.end_char, span.label_) for span in spans})


def set_group(doc: Doc, name: str, spans: Sequence[Span], **attrs: Sequence[Any]) -> SpanGroup:
    """Store spans as ``doc.spans[name]``, with lists that run parallel to them in the group's ``attrs``.

    Span attributes of ``span._`` are keyed by offsets and would be shared by all teachers; the attributes of
    a span group are the teacher's own and travel in the DocBin.

    Parameters
    ----------
    attrs
        For example ``status=[...]``, ``rationale=[...]``: one entry per span. ``lost`` is free of that rule:
        it lists mentions that have no span.

    Raises
    ------
    ValueError
        If a list is not as long as `spans`.
    """
    for key, values in attrs.items():
        if key != "lost" and len(values) != len(spans):
            raise ValueError(f"{key}: {len(values)} values for {len(spans)} spans")
    group = SpanGroup(doc, name=name, spans=list(spans), attrs={key: list(values) for key, values in attrs.items()})
    doc.spans[name] = group
    return group


def rationale(span: Span) -> str:
    """Return why a teacher marked this span: the first rationale found in the document's span groups, or ''."""
    for group in span.doc.spans.values():
        for known, why in zip(group, group.attrs.get("rationale", ()), strict=False):
            if why and (known.start, known.end, known.label) == (span.start, span.end, span.label):
                return str(why)
    return ""


if not Span.has_extension("rationale"):
    Span.set_extension("rationale", getter=rationale)
