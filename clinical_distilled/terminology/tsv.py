"""The project's own term files: a name, a tab, its synonyms between bars; one file per label."""

from pathlib import Path

from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.errors import InputError
from clinical_distilled.terminology.terms import Term

_HEADERS = (["name", "synonyms"], ["name", "synonyms", "id"])


def read_tsv(path: Path, label: str | None = None) -> list[Term]:
    """Read ``name<TAB>synonym|synonym`` rows below a header; a third column ``id`` may identify the concept.

    Parameters
    ----------
    path
        The file. Its last word names the label: ``core_disease.tsv`` holds DISEASE.
    label
        The label, where the file's name does not say.

    Raises
    ------
    InputError
        If the file cannot be read or a row is broken; names file and line.
    """
    label = label or label_of(path)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8. Save it as UTF-8.") from None
    rows = [line.rstrip("\r").split("\t") for line in lines]
    if rows[0] not in _HEADERS:
        raise InputError(f"{path}, line 1: expected the header name<TAB>synonyms (and, if you like, <TAB>id).")
    return [
        _term(row, label, len(rows[0]), f"{path}, line {number}")
        for number, row in enumerate(rows[1:], start=2)
        if row != [""]
    ]


def label_of(path: Path) -> str:
    """Return the label a file's name ends with.

    Raises
    ------
    InputError
        If it names none.
    """
    label = path.stem.rpartition("_")[2].upper()
    if label not in LABELS:
        names = ", ".join(f"terms_{name.lower()}.tsv" for name in LABELS)
        raise InputError(f"{path}: the name does not say what the terms are. Call it one of {names}.")
    return label


def _term(row: list[str], label: str, columns: int, where: str) -> Term:
    if len(row) != columns:
        raise InputError(f"{where}: {len(row)} columns where {columns} are expected, separated by tabs.")
    name, synonyms = row[0].strip(), [part.strip() for part in row[1].split("|")] if row[1].strip() else []
    for surface in (name, *synonyms):
        if not any(character.isalnum() for character in surface):
            raise InputError(f"{where}: an empty name, or one without a letter or digit.")
    concept = row[2].strip() if columns > 2 else name
    if not concept:
        raise InputError(f"{where}: no id.")
    return Term(concept, label, name, tuple(synonyms))
