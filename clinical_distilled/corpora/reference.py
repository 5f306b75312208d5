"""Reference annotation: rows that belong to a note by its identifier and the hash of its text, put on its document."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.docs import REFERENCE
from clinical_distilled.corpora.entities import Entity, check_labels, parse_entity, put_on_tokens
from clinical_distilled.errors import InputError
from clinical_distilled.files import read_jsonl, text_sha256


@dataclass(frozen=True)
class ReferenceRow:
    """The entities of one note; `source` names file, line and document for messages."""

    doc_id: str
    entities: tuple[Entity, ...]
    source: str


def attach_reference(path: Path, docs: Mapping[str, Doc], dropped: Collection[str], labels: Collection[str]) -> Account:
    """Read a split's reference and put it on the split's documents as ``doc.spans["reference"]``.

    Parameters
    ----------
    path : Path
        JSON lines ``{"doc_id", "text_sha256", "entities": [{"start", "end", "label", "text"}]}``.
    docs : mapping of str to Doc
        The split's documents by identifier. One that has no row stays without the span group: not annotated, which is
        not the same as without mentions.
    dropped : collection of str
        Identifiers of notes left out as repeats of another.
    labels : collection of str
        The labels that may occur.

    Returns
    -------
    Account
        Every mention of the file.

    Raises
    ------
    InputError
        If a row is malformed, names an unknown note or label, was made for another text, comes twice, or an entity's
        offsets do not fit; names file, line and document.
    """
    account = Account("mentions")
    for number, row in read_jsonl(path):
        source = f"{path}, line {number}"
        name = row.get("doc_id")
        if name in dropped and name not in docs:
            lost = len(_entity_rows(row, source))
            account += Account("mentions", lost, 0)
            account.dropped["note left out as a repeat"] += lost
            continue
        if not isinstance(name, str | int) or str(name) not in docs:
            raise InputError(f"{source}: no note {name!r} in this split. Remove the row, or add the note.")
        doc = docs[str(name)]
        parsed = _parse(row, doc, f"{source}, document {name}")
        check_labels(parsed.entities, labels, parsed.source)
        if REFERENCE in doc.spans:
            raise InputError(f"{parsed.source}: a second row for this note. Join the two.")
        account += put_on_tokens(doc, REFERENCE, parsed.entities)
    return account


def _parse(row: dict[str, Any], doc: Doc, source: str) -> ReferenceRow:
    if "text_sha256" not in row:
        raise InputError(f"{source}: no text_sha256, so it cannot be told for which text the offsets are.")
    if row["text_sha256"] != text_sha256(doc.text):
        raise InputError(f"{source}: made for another text (its text_sha256 differs). Annotate the note as it is now.")
    entities = tuple(parse_entity(entity, doc.text, source) for entity in _entity_rows(row, source))
    return ReferenceRow(str(row["doc_id"]), entities, source)


def _entity_rows(row: dict[str, Any], source: str) -> list[Any]:
    entities = row.get("entities")
    if not isinstance(entities, list):
        raise InputError(f"{source}: 'entities' is missing or not a list.")
    return entities
