"""RxNorm releases (RRF): ingredients and brands, with the names that all sources without a licence of their own give.

Layout: "RxNorm Technical Documentation", RXNCONSO.RRF: bar-separated, no header, each row ends with a bar.
"""

from collections.abc import Iterator
from pathlib import Path

from clinical_distilled.errors import InputError
from clinical_distilled.terminology.tables import rows
from clinical_distilled.terminology.terms import Term, tame

FILE = "RXNCONSO.RRF"
_COLUMNS = 19  # 18 fields, and nothing behind the last bar
_RXCUI, _LAT, _SAB, _TTY, _STR, _SRL, _SUPPRESS = 0, 1, 11, 12, 14, 15, 16
# Ingredient, precise ingredient (a salt), multiple ingredients, brand name.
_NAMES = {"IN": 0, "PIN": 1, "MIN": 2, "BN": 3}


def read_rxnorm(path: Path) -> Iterator[Term]:
    """Read the ingredients, precise ingredients, multiple ingredients and brand names of a release.

    Rows that are suppressed (obsolete, or not for use) or not English are left out, and so are strengths and dose
    forms: a note's "aspirin 81 mg tablet" names aspirin. Concepts are ``RXNORM:<RXCUI>``.

    Parameters
    ----------
    path
        ``RXNCONSO.RRF``, or a folder that has it at any depth.

    Raises
    ------
    InputError
        If the file is missing or a row is broken, or there is no ingredient in it.
    """
    file = _find(path)
    named: dict[str, tuple[str, str]] = {}
    for row in _rows(file):
        tty = row[_TTY]
        if row[_SAB] == "RXNORM" and tty in _NAMES:
            known = named.get(row[_RXCUI])
            if known is None or _NAMES[tty] < _NAMES[known[0]]:
                named[row[_RXCUI]] = (tty, row[_STR])
    if not named:
        raise InputError(f"{file}: no ingredient or brand name of RxNorm (SAB RXNORM, TTY IN, PIN, MIN, BN).")
    synonyms: dict[str, list[str]] = {}
    for row in _rows(file):
        if row[_RXCUI] in named and (row[_SAB] == "RXNORM" or row[_SRL] == "0"):
            synonyms.setdefault(row[_RXCUI], []).append(tame(row[_STR]))
    for rxcui, (tty, name) in named.items():
        others = [_hyphened(name)] if tty == "MIN" else []
        others += [other for other in dict.fromkeys(synonyms[rxcui]) if other != name]
        yield Term(f"RXNORM:{rxcui}", "MEDICATION", name, tuple(others))


def _rows(file: Path) -> Iterator[list[str]]:
    for row in rows(file, "|", _COLUMNS):
        if row[_LAT] == "ENG" and row[_SUPPRESS] == "N":
            yield row


def _hyphened(name: str) -> str:
    """Write ``amlodipine / benazepril`` as notes do."""
    return "-".join(part.strip() for part in name.split("/"))


def _find(path: Path) -> Path:
    if path.is_dir():
        found = sorted(path.rglob(FILE))
        if not found:
            raise InputError(f"{path}: no {FILE} in this folder.")
        return found[0]
    return path
