"""From terms to a matcher: which names a concept is found by, and what a name means that has several meanings."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spacy.lang.en.stop_words import STOP_WORDS

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.errors import InputError
from clinical_distilled.runtime.matcher import Entry, TermMatcher, is_acronym, is_index
from clinical_distilled.terminology.sources import read_terms
from clinical_distilled.terminology.terms import Term
from clinical_distilled.terminology.variants import variants, without_forms

# A name of two labels is the first of these. "Hypotension" and "hives" stand among diseases and symptoms; where a note
# has such a word it is a finding: 21 of 24 times in the reference of our dev notes.
PREFERENCE = ("MEDICATION", "SYMPTOM", "DISEASE")


def load_matcher(path: Path) -> TermMatcher:
    """Load the index that ``build-terms`` wrote, or read and compile the terms at `path`.

    Raises
    ------
    InputError
        If there is nothing to read, a file is broken, or an index is of another version.
    """
    if path.is_file() and is_index(path):
        try:
            return TermMatcher.from_bytes(path.read_bytes())
        except ValueError as error:
            raise InputError(f"{path}: {error}.") from None
    matcher, _ = compile_terms([read_terms(path)])
    if not len(matcher):
        raise InputError(f"{path}: no terms.")
    return matcher


def compile_terms(sources: Iterable[Iterable[Term]], meta: dict[str, Any] | None = None) -> tuple[TermMatcher, Account]:
    """Compile the terms of sources; the account is of the names they give, and tells why some are not used."""
    account = Account("names")
    usable = [[kept for term in terms if (kept := _usable(term, account))] for terms in sources]
    return TermMatcher.from_entries(to_entries(usable), meta), account


def to_entries(sources: Iterable[Iterable[Term]]) -> Iterator[Entry]:
    """Give the names of terms in the order of preference.

    A name that a source gives goes before one that we derive from it; then an earlier source before a later one; then
    the order of `PREFERENCE` decides; then a preferred name goes before a synonym.
    """
    labelled: list[tuple[str, list[Term]]] = []
    for terms in sources:
        of_label: dict[str, list[Term]] = {}
        for term in terms:
            of_label.setdefault(term.label, []).append(term)
        labelled += sorted(of_label.items(), key=lambda one: _rank(one[0]))
    for label, terms in labelled:
        for term in terms:
            yield Entry(term.name, label, term.concept)
        for term in terms:
            yield from (Entry(name, label, term.concept) for name in term.synonyms)
    for label, terms in labelled:
        for term in terms:
            for name in (term.name, *term.synonyms):
                yield from (Entry(variant, label, term.concept) for variant in variants(name, label))


def _usable(term: Term, account: Account) -> Term | None:
    """Return the term with the names that are used, or None if none is."""
    names = [term.name, *term.synonyms]
    account.taken += len(names)
    kept = []
    for name in names:
        reason = _unusable(name)
        if reason:
            account.dropped[reason] += 1
        else:
            kept.append(name)
    if term.label == "MEDICATION":
        bare = without_forms(kept)
        account.dropped["drug with its form"] += len(kept) - len(bare)
        kept = bare
    account.kept += len(kept)
    return term._replace(name=kept[0], synonyms=tuple(kept[1:])) if kept else None


def _unusable(name: str) -> str:
    if len(name) < 2 or not any(character.isalpha() for character in name):
        return "single character or no letter"
    return "function word" if name.lower() in STOP_WORDS and not is_acronym(name) else ""


def _rank(label: str) -> int:
    return PREFERENCE.index(label) if label in PREFERENCE else len(PREFERENCE)
