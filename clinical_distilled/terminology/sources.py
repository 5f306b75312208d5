"""Which reader reads what: term files and releases, told apart by their names and first lines."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.errors import InputError
from clinical_distilled.terminology import rxnorm
from clinical_distilled.terminology.drugs import DRUGBANK_COLUMNS, ORANGE_BOOK_COLUMNS, read_drugbank, read_orange_book
from clinical_distilled.terminology.obo import read_obo
from clinical_distilled.terminology.snomed import read_snomed
from clinical_distilled.terminology.tables import open_release
from clinical_distilled.terminology.terms import Term
from clinical_distilled.terminology.tsv import read_tsv

_FIRST_LINES: dict[bytes, Callable[[Path], Iterator[Term]]] = {
    ",".join(DRUGBANK_COLUMNS).encode(): read_drugbank,
    "~".join(ORANGE_BOOK_COLUMNS).encode(): read_orange_book,
}


def read_terms(path: Path, label: str | None = None) -> Iterator[Term]:
    """Read the terms at `path`.

    Parameters
    ----------
    path
        A term file (``*_disease.tsv``), an OBO file, RxNorm's ``RXNCONSO.RRF``, the DrugBank vocabulary, the Orange
        Book's products, or a folder: of an RxNorm release, of a SNOMED CT release, or of files of these kinds.
    label
        What the terms are, where the file does not say.

    Raises
    ------
    InputError
        If there is nothing to read, or a file is broken or of an unknown kind.
    """
    if label is not None and label not in LABELS:
        raise InputError(f"{path}: the label {label} is not one of {', '.join(LABELS)}.")
    if path.is_dir():
        yield from _read_folder(path)
        return
    read = _reader(path, label)
    if read is None:
        raise InputError(f"{path}: not a term file or release that is known here (see the manual).")
    yield from read(path)


def _reader(path: Path, label: str | None = None) -> Callable[[Path], Iterable[Term]] | None:
    if path.name == rxnorm.FILE:
        return rxnorm.read_rxnorm
    if path.name.endswith((".obo", ".obo.gz")):
        return partial(read_obo, label=label)
    if path.suffix == ".tsv":
        return partial(read_tsv, label=label)
    with open_release(path) as stream:
        first = stream.readline(1000).removeprefix(b"\xef\xbb\xbf").strip()
    return _FIRST_LINES.get(first)


def _read_folder(folder: Path) -> Iterator[Term]:
    if any(folder.rglob("sct2_Concept_Snapshot*.txt")):
        yield from read_snomed(folder)
    elif any(folder.rglob(rxnorm.FILE)):
        yield from rxnorm.read_rxnorm(folder)
    else:
        readers = [(file, _reader(file)) for file in sorted(folder.iterdir()) if file.is_file()]
        known = [(file, read) for file, read in readers if read is not None]
        if not known:
            raise InputError(f"{folder}: no term file (*.tsv) and no release of a terminology in this folder.")
        for file, read in known:
            yield from read(file)
