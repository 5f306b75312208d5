"""Gold in CoNLL columns: one token a line with its BIO tag last, blank lines between sentences."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from clinical_distilled.corpora.entities import Entity
from clinical_distilled.corpora.gold.document import GoldDocument, check_field, read_lines
from clinical_distilled.errors import InputError
from clinical_distilled.files import atomic_path

_NEW_DOCUMENT = re.compile(r"# newdoc id = (\S.*)")
_DOCSTART = "-DOCSTART-"
_SPACES = re.compile(r"Spaces(Before|After)=(.*)", re.DOTALL)
_TOKEN = re.compile(r"\w+|[^\w\s]")
_ESCAPES = {" ": "\\s", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\", "|": "\\p"}
_UNESCAPES = {escape: char for char, escape in _ESCAPES.items()}


def read_conll(path: Path) -> Iterator[GoldDocument]:
    r"""Read columns divided by tabs or blanks: the token first, its tag (``O``, ``B-X``, ``I-X``) last.

    A document begins at ``# newdoc id = x`` or at ``-DOCSTART-``, where it is numbered; a file without either is one.
    Tokens are joined by a blank and sentences by a line break, unless a middle column says otherwise as in UDPipe:
    ``SpaceAfter=No``, ``SpacesAfter=\s\n``, ``SpacesBefore=\s``.

    Raises
    ------
    InputError
        If a line has one column, or a tag is not BIO (an ``I-X`` follows a ``B-X`` or an ``I-X``); names file, line and
        document.
    """
    stem = path.name.split(".", 1)[0]
    document: _Builder | None = None
    count = 0
    for number, line in read_lines(path):
        named = _NEW_DOCUMENT.fullmatch(line)
        if named or line.split(maxsplit=1)[:1] == [_DOCSTART]:
            if document is not None:
                yield document.build()
            count += 1
            document = _Builder(named[1] if named else f"{stem}-{count}", path)
        elif line.strip(" \t"):
            if document is None:
                count += 1
                document = _Builder(stem, path)
            document.add(line, number)
        elif document is not None:
            document.end_sentence()
    if document is not None:
        yield document.build()


def write_conll(documents: Iterable[GoldDocument], path: Path) -> None:
    """Write documents, atomically, with a middle column that keeps the white space, so the text can be read back.

    Raises
    ------
    InputError
        If a document does not fit the format: entities that overlap or have outer white space, discontinuous mentions,
        concepts, an identifier of several lines.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for document in documents:
            stream.writelines(f"{line}\n" for line in [*_lines(document), ""])


@dataclass
class _Builder:
    """A document while its lines are read."""

    doc_id: str
    path: Path
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    gap: str = ""  # white space before the next token
    given: bool = False  # whether the file said so
    last: str = "O"

    def add(self, line: str, number: int) -> None:
        source = f"{self.path}, line {number}, document {self.doc_id}"
        columns = line.split("\t") if "\t" in line else line.split()
        if len(columns) < 2:
            raise InputError(f"{source}: one column. Expected a token and its tag.")
        token, tag, spaces = columns[0], columns[-1], _spaces(columns[1:-1])
        prefix, _, label = tag.partition("-")
        if tag != "O" and (prefix not in {"B", "I"} or not label):
            raise InputError(f"{source}: {tag!r} is not a BIO tag (O, B-X or I-X).")
        if prefix == "I" and self.last not in {f"B-{label}", tag}:
            raise InputError(f"{source}: {tag} follows {self.last}. An entity begins with B-{label}.")
        self.text += (self.gap if self.text or self.given else "") + spaces.get("Before", "") + token
        if prefix == "B":
            self.entities.append(Entity(len(self.text) - len(token), len(self.text), label))
        elif prefix == "I":
            self.entities[-1] = Entity(self.entities[-1].start, len(self.text), label)
        self.gap, self.given, self.last = spaces.get("After", " "), "After" in spaces, tag

    def end_sentence(self) -> None:
        if not self.given:
            self.gap = "\n"
        self.last = "O"

    def build(self) -> GoldDocument:
        text = self.text + (self.gap if self.given else "")
        return GoldDocument(self.doc_id, text, tuple(self.entities), source=f"{self.path}, document {self.doc_id}")


def _spaces(columns: list[str]) -> dict[str, str]:
    fields = [part for column in columns for part in column.split("|")]
    found = {match[1]: _unescape(match[2]) for part in fields if (match := _SPACES.fullmatch(part))}
    return found if "SpaceAfter=No" not in fields else found | {"After": ""}


def _unescape(value: str) -> str:
    return re.sub(r"\\[stnrp\\]", lambda match: _UNESCAPES[match[0]], value)


def _lines(document: GoldDocument) -> Iterator[str]:
    _check(document)
    yield f"# newdoc id = {document.doc_id}"
    tags = {entity.start: entity for entity in document.entities}
    borders = {offset for entity in document.entities for offset in (entity.start, entity.end)}
    pieces = list(_cut(document.text, borders))
    inside: Entity | None = None
    for position, (start, end) in enumerate(pieces):
        follows = pieces[position + 1][0] if position + 1 < len(pieces) else len(document.text)
        after = document.text[end:follows]
        misc = ([f"SpacesBefore={_escape(document.text[:start])}"] if position == 0 and start else []) + [
            f"SpacesAfter={_escape(after)}" if after else "SpaceAfter=No"
        ]
        inside = tags.get(start, inside if inside and start < inside.end else None)
        tag = "O" if inside is None else f"{'B' if start == inside.start else 'I'}-{inside.label}"
        yield "\t".join((document.text[start:end], "|".join(misc), tag))
        # A blank line would end the entity's sentence and with it the entity.
        if "\n" in after and (inside is None or follows >= inside.end):
            yield ""


def _check(document: GoldDocument) -> None:
    end = 0
    for entity in document.entities:
        surface = document.text[entity.start : entity.end]
        if entity.start < end or surface != surface.strip() or entity.concept:
            raise InputError(
                f"document {document.doc_id}, entity {entity.start}-{entity.end}: CoNLL holds no overlaps, outer white "
                "space or concepts. Write it as JSON lines."
            )
        check_field(entity.label, "label", document)
        end = entity.end
    if document.discontinuous or "\n" in document.doc_id or not document.text.strip():
        raise InputError(f"document {document.doc_id}: has what CoNLL does not hold. Write it as JSON lines.")


def _cut(text: str, borders: set[int]) -> Iterator[tuple[int, int]]:
    """Cut a text into words and single other characters, and at the borders of entities."""
    for match in _TOKEN.finditer(text):
        inner = sorted(offset for offset in borders if match.start() < offset < match.end())
        edges = [match.start(), *inner, match.end()]
        yield from pairwise(edges)


def _escape(spaces: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in spaces)
