"""Gold in BRAT standoff: beside each ``x.txt`` an ``x.ann`` with one row per mention."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from clinical_distilled.corpora.entities import Entity, check_offsets
from clinical_distilled.corpora.gold.document import (
    Discontinuous,
    GoldDocument,
    check_field,
    one_line,
    read_lines,
    same_surface,
)
from clinical_distilled.errors import InputError
from clinical_distilled.files import atomic_path

Fragments = tuple[tuple[int, int], ...]

_MENTION = re.compile(r"(T\S+)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)", re.DOTALL)
_CONCEPT = re.compile(r"N\S+\tReference (T\S+) (\S+)(?:\t.*)?", re.DOTALL)
_OTHER = re.compile(r"[ERAM#*]")  # events, relations, attributes, notes, equivalences: no mentions


def read_brat(folder: Path) -> Iterator[GoldDocument]:
    """Read all pairs of ``.txt`` and ``.ann`` files below a folder; the path without suffix is the identifier.

    A mention's row is ``T1<TAB>Label start end[;start end]<TAB>surface``; one of several parts is kept apart as
    `Discontinuous`. A normalisation, ``N1<TAB>Reference T1 source:id<TAB>name``, gives the concept. Rows of events,
    relations, attributes and notes are passed over.

    Raises
    ------
    InputError
        If a file of a pair is missing, a row is malformed, or its surface is not what stands at its offsets; names
        file, line and document.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Give the one with the .txt and .ann files.")
    texts = {path.with_suffix("") for path in folder.rglob("*.txt")}
    annotations = {path.with_suffix("") for path in folder.rglob("*.ann")}
    for lone in sorted(texts ^ annotations):
        have, lack = (".txt", ".ann") if lone in texts else (".ann", ".txt")
        raise InputError(f"{lone}{have}: has no {lone.name}{lack} beside it. An empty .ann means nothing found.")
    if not texts:
        raise InputError(f"{folder}: no .txt and .ann files in it.")
    for stem in sorted(texts):
        yield _read_pair(stem, stem.relative_to(folder).as_posix())


def write_brat(documents: Iterable[GoldDocument], folder: Path) -> None:
    """Write a pair of files per document, each atomically.

    Raises
    ------
    InputError
        If a label or concept has white space, or an identifier is no path below the folder.
    """
    for document in documents:
        # Not with_suffix: an identifier may have dots.
        text_path, ann_path = (folder / f"{document.doc_id}{suffix}" for suffix in (".txt", ".ann"))
        if not document.doc_id or not text_path.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"document {document.doc_id!r}: its identifier is no file name below {folder}.")
        lines = "".join(f"{line}\n" for line in _lines(document))
        for path, content in ((text_path, document.text), (ann_path, lines)):
            with atomic_path(path) as temporary:
                temporary.write_bytes(content.encode())


def _read_pair(stem: Path, name: str) -> GoldDocument:
    text_path, path = stem.with_name(f"{stem.name}.txt"), stem.with_name(f"{stem.name}.ann")
    try:
        text = text_path.read_bytes().decode()
    except UnicodeDecodeError:
        raise InputError(f"{text_path}: not UTF-8. Save it as UTF-8.") from None
    rows: dict[str, tuple[Fragments, str]] = {}
    concepts: dict[str, list[str]] = defaultdict(list)
    for number, line in read_lines(path):
        source = f"{path}, line {number}, document {name}"
        if match := _MENTION.fullmatch(line):
            if match[1] in rows:
                raise InputError(f"{source}: {match[1]} occurs twice.")
            rows[match[1]] = (_fragments(match[3], match[4], text, source), match[2])
        elif match := _CONCEPT.fullmatch(line):
            concepts[match[1]].append(match[2])
        elif line.strip() and not _OTHER.match(line):
            raise InputError(f"{source}: not a BRAT row, as 'T1<TAB>Label 0 5<TAB>surface'.")
    for target in concepts.keys() - rows.keys():
        raise InputError(f"{path}, document {name}: a normalisation refers to {target}, which is not there.")
    found = [(fragments, label, "|".join(concepts[key])) for key, (fragments, label) in rows.items()]
    entities = sorted(Entity(*parts[0], label, concept) for parts, label, concept in found if len(parts) == 1)
    others = sorted(Discontinuous(*mention) for mention in found if len(mention[0]) > 1)
    return GoldDocument(name, text, tuple(entities), tuple(others), f"{path}, document {name}")


def _fragments(offsets: str, surface: str, text: str, source: str) -> Fragments:
    pairs = [pair.split() for pair in offsets.split(";")]
    fragments = tuple((int(start), int(end)) for start, end in pairs)
    for start, end in fragments:
        check_offsets(text, start, end, source)
    if not same_surface(" ".join(text[start:end] for start, end in fragments), surface):
        raise InputError(f"{source}, entity {offsets}: its surface is not what stands there.")
    return fragments


def _lines(document: GoldDocument) -> Iterator[str]:
    mentions: list[tuple[Fragments, str, str]] = [
        (((entity.start, entity.end),), entity.label, entity.concept) for entity in document.entities
    ]
    mentions += [(part.fragments, part.label, part.concept) for part in document.discontinuous]
    for number, (fragments, label, concept) in enumerate(mentions, start=1):
        offsets = ";".join(f"{start} {end}" for start, end in fragments)
        surface = one_line(" ".join(document.text[start:end] for start, end in fragments))
        yield f"T{number}\t{check_field(label, 'label', document)} {offsets}\t{surface}"
        if concept:
            yield f"N{number}\tReference T{number} {check_field(concept, 'concept', document)}\t{surface}"
