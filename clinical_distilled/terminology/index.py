"""The index that ``build-terms`` writes: terms of all sources, compiled once, with what they came from."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from tqdm import tqdm

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.docs import REFERENCE
from clinical_distilled.errors import InputError
from clinical_distilled.files import atomic_path, file_sha256, folder_sha256
from clinical_distilled.runtime.matcher import TermMatcher
from clinical_distilled.terminology.matching import compile_terms
from clinical_distilled.terminology.sources import read_terms
from clinical_distilled.terminology.stoplist import DEFAULT_RULE, Misleading, StopRule, learn
from clinical_distilled.terminology.terms import Term


@dataclass(frozen=True)
class Source:
    """Something to read terms from, and what they are if it does not say."""

    path: Path
    label: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Source":
        """Read ``PATH`` or ``PATH=LABEL``."""
        path, _, label = text.partition("=")
        return cls(Path(path), label or None)


@dataclass(frozen=True)
class Index:
    """What was built.

    Attributes
    ----------
    matcher : TermMatcher
        The compiled names; its `meta` holds the sources, with their SHA-256, and the stop-list.
    names : Account
        Of the names in the sources.
    misleading : list of Misleading
        The names that were left out because they mislead in a corpus.
    """

    matcher: TermMatcher
    names: Account
    misleading: list[Misleading]

    def save(self, path: Path) -> None:
        """Write the index, atomically."""
        with atomic_path(path) as temporary:
            temporary.write_bytes(self.matcher.to_bytes())

    def to_json(self) -> dict[str, Any]:
        """Return what was built as plain JSON values."""
        return {
            **self.matcher.meta,
            "distinct_names": len(self.matcher),
            "names": self.names.to_json(),
            "misleading": [name._asdict() for name in self.misleading],
        }


def build_index(sources: Sequence[Source]) -> Index:
    """Read and compile sources; where two give the same name, the first is preferred.

    Raises
    ------
    InputError
        If a source is missing or broken, or there are no terms.
    """
    counts: list[int] = []
    described = [{"name": source.path.name, "sha256": _sha256(source.path)} for source in sources]
    matcher, names = compile_terms(_read(source, counts) for source in sources)
    if not len(matcher):
        raise InputError("No terms in the sources.")
    matcher.meta["sources"] = [about | {"terms": count} for about, count in zip(described, counts, strict=True)]
    return Index(matcher, names, [])


def leave_out_misleading(
    index: Index, docs: Iterable[Doc], rule: StopRule = DEFAULT_RULE, group: str = REFERENCE
) -> Index:
    """Return the index without the names that mislead in a corpus (`stoplist.learn`)."""
    misleading = learn(index.matcher, docs, rule, group)
    matcher = index.matcher.without(name.surface for name in misleading)
    matcher.meta = matcher.meta | {"left_out": [name.surface for name in misleading]}
    return replace(index, matcher=matcher, misleading=misleading)


def _read(source: Source, counts: list[int]) -> Iterator[Term]:
    counts.append(0)
    terms = read_terms(source.path, source.label)
    for term in tqdm(terms, f"reading {source.path.name}", unit=" terms", leave=False):
        counts[-1] += 1
        yield term


def _sha256(path: Path) -> str:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    return folder_sha256(path) if path.is_dir() else file_sha256(path)
