"""From terms to a matcher: which names a concept is found by, and what a name means that has several meanings."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.errors import InputError
from clinical_distilled.runtime.matcher import Entry, TermMatcher
from clinical_distilled.terminology.terms import Term
from clinical_distilled.terminology.tsv import read_tsv
from clinical_distilled.terminology.variants import variants, without_forms

# A name of two labels is the first of these. "Hypotension" and "hives" stand among diseases and symptoms; where a note
# has such a word it is a finding: 21 of 24 times in the reference of our dev notes.
PREFERENCE = ("MEDICATION", "SYMPTOM", "DISEASE")


def load_matcher(path: Path, labels: Sequence[str] = LABELS) -> TermMatcher:
    """Read the terms at `path` and compile them.

    Parameters
    ----------
    path
        A term file, or a folder of them.
    labels
        Only terms of these.

    Raises
    ------
    InputError
        If there is nothing to read, or a file is broken.
    """
    return TermMatcher.from_entries(to_entries(term for term in read_terms(path) if term.label in labels))


def read_terms(path: Path) -> list[Term]:
    """Read a term file, or all term files of a folder in the order of their names."""
    files = sorted(path.glob("*.tsv")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: no term files (*.tsv) in this folder.")
    return [term for file in files for term in read_tsv(file)]


def to_entries(terms: Iterable[Term]) -> Iterator[Entry]:
    """Give the names of terms in the order of preference.

    A name that a file gives goes before one that we derive from it; then the order of `PREFERENCE` decides; then a
    preferred name goes before a synonym.
    """
    named: dict[str, list[tuple[Term, list[str]]]] = {}
    for term in terms:
        named.setdefault(term.label, []).append((term, _names(term)))
    for label in sorted(named, key=_rank):
        for term, names in named[label]:
            yield Entry(names[0], label, term.concept)
        for term, names in named[label]:
            yield from (Entry(name, label, term.concept) for name in names[1:])
    for label in sorted(named, key=_rank):
        for term, names in named[label]:
            yield from (Entry(variant, label, term.concept) for name in names for variant in variants(name, label))


def _names(term: Term) -> list[str]:
    names = [term.name, *term.synonyms]
    return without_forms(names) if term.label == "MEDICATION" else names


def _rank(label: str) -> int:
    return PREFERENCE.index(label) if label in PREFERENCE else len(PREFERENCE)
