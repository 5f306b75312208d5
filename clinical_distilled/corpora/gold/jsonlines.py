"""Gold as our JSON lines: ``{"doc_id", "text", "entities": [...], "discontinuous": [...]}``."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from clinical_distilled.corpora.entities import check_offsets, parse_entity
from clinical_distilled.corpora.gold.document import Discontinuous, GoldDocument
from clinical_distilled.errors import InputError
from clinical_distilled.files import read_jsonl, write_jsonl


def read_gold_jsonl(path: Path) -> Iterator[GoldDocument]:
    """Read documents.

    An entity is ``{"start", "end", "label"}`` with optional ``id`` and ``text``; a mention of several parts is
    ``{"fragments": [[start, end], ...], "label"}`` with optional ``id``.

    Raises
    ------
    InputError
        If a row is malformed or an entity does not fit its text; names file, line and document.
    """
    for number, row in read_jsonl(path):
        name, text = row.get("doc_id"), row.get("text")
        if not isinstance(name, str) or not name or not isinstance(text, str):
            raise InputError(f"{path}, line {number}: doc_id or text is missing or not a string.")
        source = f"{path}, line {number}, document {name}"
        entities = sorted(parse_entity(entity, text, source) for entity in _rows(row, "entities", source))
        parts = sorted(_discontinuous(part, text, source) for part in _rows(row, "discontinuous", source))
        yield GoldDocument(name, text, tuple(entities), tuple(parts), source)


def write_gold_jsonl(documents: Iterable[GoldDocument], path: Path) -> None:
    """Write documents, atomically."""
    write_jsonl(path, (_row(document) for document in documents))


def _rows(row: dict[str, Any], key: str, source: str) -> list[Any]:
    rows = row.get(key, [])
    if not isinstance(rows, list):
        raise InputError(f"{source}: {key!r} is not a list.")
    return rows


def _discontinuous(row: Any, text: str, source: str) -> Discontinuous:
    try:
        fragments = tuple((int(start), int(end)) for start, end in row["fragments"])
        label = str(row["label"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{source}: a discontinuous mention needs 'fragments' of two numbers and a 'label'.") from None
    for start, end in fragments:
        check_offsets(text, start, end, source)
    return Discontinuous(fragments, label, str(row.get("id", "") or ""))


def _row(document: GoldDocument) -> dict[str, Any]:
    row: dict[str, Any] = {
        "doc_id": document.doc_id,
        "text": document.text,
        "entities": [
            {"start": entity.start, "end": entity.end, "label": entity.label} | _concept(entity.concept)
            for entity in document.entities
        ],
    }
    if document.discontinuous:
        row["discontinuous"] = [
            {"fragments": [list(pair) for pair in part.fragments], "label": part.label} | _concept(part.concept)
            for part in document.discontinuous
        ]
    return row


def _concept(concept: str) -> dict[str, str]:
    return {"id": concept} if concept else {}
