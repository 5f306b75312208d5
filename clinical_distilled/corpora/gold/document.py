"""A document as its annotators left it: text, entities with the source's own labels, and mentions in several parts."""

import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.entities import Entity
from clinical_distilled.errors import InputError

_SPACE = re.compile(r"\s")


@dataclass(frozen=True, order=True)
class Discontinuous:
    """A mention of several parts. It has no span of tokens, so it is kept aside and never silently joined.

    Attributes
    ----------
    fragments : tuple of (int, int)
        Code point offsets of each part, end exclusive, in the order of the source.
    label, concept : str
        As in `Entity`.
    """

    fragments: tuple[tuple[int, int], ...]
    label: str
    concept: str = ""


@dataclass(frozen=True)
class GoldDocument:
    """One annotated document.

    Attributes
    ----------
    doc_id, text : str
    entities : tuple of Entity
        Sorted; they may overlap.
    discontinuous : tuple of Discontinuous
        Sorted.
    source : str
        Where it was read, for messages; not compared.
    """

    doc_id: str
    text: str
    entities: tuple[Entity, ...] = ()
    discontinuous: tuple[Discontinuous, ...] = ()
    source: str = ""

    def same_as(self, other: "GoldDocument") -> bool:
        """Say whether text and annotation are the same, wherever they were read."""
        return (self.text, self.entities, self.discontinuous) == (other.text, other.entities, other.discontinuous)


def without_repeats(documents: Iterable[GoldDocument]) -> tuple[list[GoldDocument], Account]:
    """Keep the first of documents that come twice, as PMID 8528200 does in NCBI-disease.

    Raises
    ------
    InputError
        If two documents have the same identifier and differ.
    """
    first: dict[str, GoldDocument] = {}
    account = Account("documents")
    for document in documents:
        account.taken += 1
        known = first.get(document.doc_id)
        if known is None:
            first[document.doc_id] = document
            account.kept += 1
        elif known.same_as(document):
            account.dropped["given twice"] += 1
        else:
            raise InputError(f"{document.source}: another document has its identifier: {known.source}. Rename one.")
    return list(first.values()), account


def same_surface(found: str, given: str) -> bool:
    """Compare a stretch of text with a format's surface column, where any white space may stand for any other."""
    return _SPACE.sub(" ", found).strip() == _SPACE.sub(" ", given).strip()


def one_line(surface: str) -> str:
    """Return a surface as the column of a line: each white space character becomes a blank."""
    return _SPACE.sub(" ", surface)


def check_field(value: str, what: str, document: GoldDocument) -> str:
    """Return a label or identifier if a column can hold it.

    Raises
    ------
    InputError
        If it is empty or has white space.
    """
    if not value or _SPACE.search(value):
        raise InputError(f"document {document.doc_id}: the {what} {value!r} cannot be written in this format.")
    return value


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Read a UTF-8 file, gzipped where its name ends in ``.gz``, line by line; only "\n" ends a line.

    Yields
    ------
    tuple of int and str
        The line number, from 1, and the line without its end.

    Raises
    ------
    InputError
        If the file is missing, not UTF-8 or not gzip.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}). Save it as UTF-8.") from None
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line.removesuffix("\r")
