"""Annotated entities as rows of JSON: checked against their text, and put on a document's tokens."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from spacy.tokens import Doc, Span

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.mentions import Mention, set_group
from clinical_distilled.errors import InputError

EXACT, NORMALISED = "exact", "normalised"  # how an entity came to stand on tokens


@dataclass(frozen=True, order=True)
class Entity:
    """A labelled stretch of text as its annotator marked it.

    Attributes
    ----------
    start, end : int
        Code point offsets, end exclusive.
    label : str
        The source's own label.
    concept : str
        The source's concept identifier, or ''.
    """

    start: int
    end: int
    label: str
    concept: str = ""


def parse_entity(row: Any, text: str, source: str) -> Entity:
    """Read ``{"start", "end", "label"}`` with optional ``text`` (the surface) and ``id`` (the concept).

    Raises
    ------
    InputError
        If a field is missing or of the wrong type, the offsets are outside the text, or the surface is another.
    """
    if not isinstance(row, dict):
        raise InputError(f"{source}: an entity is {type(row).__name__}, not an object.")
    start, end, label = row.get("start"), row.get("end"), row.get("label")
    if not (_whole(start) and _whole(end)):
        raise InputError(f"{source}: an entity's start or end is missing or not a whole number.")
    if not isinstance(label, str) or not label:
        raise InputError(f"{source}, entity {start}-{end}: has no label.")
    entity = Entity(start, end, label, str(row.get("id", "") or ""))
    check_offsets(text, start, end, source)
    if "text" in row and row["text"] != text[start:end]:
        raise InputError(
            f"{source}, entity {start}-{end}: its text is not what stands there. Offsets count Unicode code points."
        )
    return entity


def check_offsets(text: str, start: int, end: int, source: str) -> None:
    """Raise an `InputError` unless the offsets mark something of a text."""
    where = f"{source}, entity {start}-{end}"
    if not 0 <= start < end <= len(text):
        raise InputError(f"{where}: outside the text of {len(text)} characters. Offsets count Unicode code points.")
    if not text[start:end].strip():
        raise InputError(f"{where}: marks only white space.")


def check_labels(entities: Collection[Entity], labels: Collection[str], source: str) -> None:
    """Raise an `InputError` if an entity's label is none of `labels`."""
    unknown = sorted({entity.label for entity in entities} - set(labels))
    if unknown:
        raise InputError(f"{source}: unknown label {', '.join(unknown)}. Known are {', '.join(sorted(labels))}.")


def put_on_tokens(doc: Doc, name: str, entities: Sequence[Entity]) -> Account:
    """Store entities as the span group ``doc.spans[name]``.

    A span covers whole tokens and no outer white space. An entity that does not is brought to that, outwards where it
    ends inside a token, and gets the status ``normalised``. The group's ``offsets`` keep the annotator's own, and
    `exact_mentions` reads them back.

    Returns
    -------
    Account
        An entity given twice is kept once. `normalised_count` says how many were changed.
    """
    once = sorted(set(entities))
    spans = [_span(doc, entity) for entity in once]
    status = [
        EXACT if (span.start_char, span.end_char) == (entity.start, entity.end) else NORMALISED
        for span, entity in zip(spans, once, strict=True)
    ]
    set_group(doc, name, spans, status=status, offsets=[[entity.start, entity.end] for entity in once])
    account = Account("mentions", taken=len(entities), kept=len(once))
    if len(once) < len(entities):
        account.dropped["given twice"] = len(entities) - len(once)
    return account


def normalised_count(doc: Doc, name: str) -> int:
    """Return how many entities of a span group were brought to whole tokens."""
    return list(doc.spans[name].attrs["status"]).count(NORMALISED)


def exact_mentions(doc: Doc, name: str) -> list[Mention]:
    """Return a span group's mentions at the offsets their annotator gave, sorted, each once."""
    group = doc.spans[name]
    return sorted(
        {Mention(start, end, span.label_) for span, (start, end) in zip(group, group.attrs["offsets"], strict=True)}
    )


def _span(doc: Doc, entity: Entity) -> Span:
    surface = doc.text[entity.start : entity.end]
    start = entity.start + len(surface) - len(surface.lstrip())
    end = entity.end - len(surface) + len(surface.rstrip())
    span = doc.char_span(start, end, entity.label, kb_id=entity.concept, alignment_mode="expand")
    if span is None:
        raise AssertionError(f"no tokens at {start}-{end}")
    return span


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
