"""Gold in PubTator format: ``id|t|title``, ``id|a|abstract``, then one tab-separated row per mention."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from clinical_distilled.corpora.entities import Entity, check_offsets
from clinical_distilled.corpora.gold.document import GoldDocument, check_field, one_line, read_lines, same_surface
from clinical_distilled.errors import InputError
from clinical_distilled.files import atomic_path

_TEXT = re.compile(r"([^|\t]+)\|([ta])\|(.*)", re.DOTALL)


def read_pubtator(path: Path) -> Iterator[GoldDocument]:
    """Read a PubTator file, gzipped where its name ends in ``.gz``.

    Documents are separated by blank lines. Offsets run over title, one character, abstract; the text gets a line break
    there. A mention's row is ``id, start, end, surface, label[, concept[, parts]]``; rows of relations, which have a
    name in the place of the start, are passed over.

    Raises
    ------
    InputError
        If a row is malformed or its surface is not what stands at its offsets; names file, line and document.
    """
    block: list[tuple[int, str]] = []
    for number, line in read_lines(path):
        if line.strip():
            block.append((number, line))
        elif block:
            yield _document(block, path)
            block = []
    if block:
        yield _document(block, path)


def write_pubtator(documents: Iterable[GoldDocument], path: Path) -> None:
    """Write documents, atomically: the first line of a text is its title, the second its abstract.

    Raises
    ------
    InputError
        If a document does not fit the format: more than two lines, an empty first one, discontinuous mentions, or a
        label, concept or identifier with white space.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for document in documents:
            stream.writelines(line + "\n" for line in [*_lines(document), ""])


def _document(block: list[tuple[int, str]], path: Path) -> GoldDocument:
    number, line = block[0]
    title = _TEXT.fullmatch(line)
    if title is None or title[2] != "t":
        raise InputError(f"{path}, line {number}: expected a title, 'id|t|...', at the start of a document.")
    name, text, rest = title[1], title[3], block[1:]
    abstract = _TEXT.fullmatch(rest[0][1]) if rest else None
    if abstract is not None:
        if (abstract[1], abstract[2]) != (name, "a"):
            raise InputError(f"{path}, line {rest[0][0]}: expected the abstract '{name}|a|...'.")
        text, rest = f"{text}\n{abstract[3]}", rest[1:]
    rows = [_entity(row, text, name, f"{path}, line {line_number}, document {name}") for line_number, row in rest]
    entities = sorted(row for row in rows if row is not None)
    return GoldDocument(name, text, tuple(entities), source=f"{path}, line {number}, document {name}")


def _entity(line: str, text: str, name: str, source: str) -> Entity | None:
    fields = line.split("\t")
    if fields[0] != name:
        raise InputError(f"{source}: the row belongs to another document. Separate documents by a blank line.")
    if len(fields) == 4 and not fields[1].isdecimal():
        return None  # a relation: id, type, two concepts
    if not 5 <= len(fields) <= 7:
        raise InputError(f"{source}: {len(fields)} columns. Expected id, start, end, surface, label and a concept.")
    if not (fields[1].isdecimal() and fields[2].isdecimal()):
        raise InputError(f"{source}: start or end is not a whole number.")
    start, end, label = int(fields[1]), int(fields[2]), fields[4].strip()
    check_offsets(text, start, end, source)
    if not same_surface(text[start:end], fields[3]):
        raise InputError(f"{source}, entity {start}-{end}: its surface is not what stands there.")
    if not label:
        raise InputError(f"{source}, entity {start}-{end}: has no label.")
    return Entity(start, end, label, fields[5].strip() if len(fields) > 5 else "")


def _lines(document: GoldDocument) -> Iterator[str]:
    name = check_field(document.doc_id, "identifier", document)
    title, *rest = document.text.split("\n")
    if len(rest) > 1 or not title.strip() or "\r" in document.text or "|" in name or document.discontinuous:
        raise InputError(
            f"document {name}: PubTator holds a title line, an abstract line and continuous mentions only. "
            "Write it as JSON lines."
        )
    yield f"{name}|t|{title}"
    yield from (f"{name}|a|{abstract}" for abstract in rest)
    for entity in document.entities:
        surface = one_line(document.text[entity.start : entity.end])
        fields = [name, str(entity.start), str(entity.end), surface, check_field(entity.label, "label", document)]
        yield "\t".join(fields + ([check_field(entity.concept, "concept", document)] if entity.concept else []))
