"""The ``terminology_linker`` component: gives entities the concept that a terminology knows under their name."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span

from .abbreviations import defined_abbreviations
from .matcher import TermMatcher
from .registration import factory

_FILE = "terms"


class TerminologyLinker(Pipe):
    """Sets ``ent.kb_id_`` of entities that are a name of a concept: of their own label first, otherwise of any.

    An abbreviation that the note defines (``doc._.abbreviations``) is looked up by its long form. An entity that has an
    identifier keeps it, and one that no name equals gets none.

    Notes
    -----
    The terms come from `initialize`, or from what `to_disk` or `to_bytes` wrote.
    """

    def __init__(self, name: str = "terminology_linker", matcher: TermMatcher | None = None) -> None:
        self.name = name
        self.matcher = matcher

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Any]] | None = None,  # noqa: ARG002 - spaCy passes it to all
        *,
        nlp: Language | None = None,  # noqa: ARG002
        terms: str | Path | None = None,
    ) -> None:
        """Load an index that ``build-terms`` wrote; without `terms`, keep what is loaded.

        Raises
        ------
        ValueError
            If the file is missing or is no such index.
        """
        if terms is None:
            return
        try:
            self.matcher = TermMatcher.from_bytes(Path(terms).read_bytes())
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.name}: {terms} is no term index ({error}). Compile it with build-terms.") from None

    def __call__(self, doc: Doc) -> Doc:
        """Link the entities of a document.

        Raises
        ------
        ValueError
            If no terms were loaded.
        """
        if self.matcher is None:
            raise ValueError(f"{self.name} has no terms. Call initialize(terms=...) with an index from build-terms.")
        if doc.ents:
            long_forms = {(short.start, short.end): long for short, long in defined_abbreviations(doc)}
            doc.ents = [self._linked(entity, long_forms.get((entity.start, entity.end), entity)) for entity in doc.ents]
        return doc

    def _linked(self, entity: Span, named: Span) -> Span:
        if entity.kb_id:
            return entity
        concept = self._concept(named.text, entity.label_) or self._concept(entity.text, entity.label_)
        return Span(entity.doc, entity.start, entity.end, entity.label, kb_id=concept, span_id=entity.id)

    def _concept(self, text: str, label: str) -> str:
        labels, concepts = self.matcher.lookup(text) if self.matcher else ((), ())
        return concepts[labels.index(label) if label in labels else 0] if concepts else ""

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:  # noqa: ARG002
        """Return the compiled terms."""
        return self.matcher.to_bytes() if self.matcher else b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "TerminologyLinker":  # noqa: ARG002
        """Load compiled terms."""
        self.matcher = TermMatcher.from_bytes(data) if data else None
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        """Write the compiled terms into a folder."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).write_bytes(self.to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "TerminologyLinker":  # noqa: ARG002
        """Load compiled terms from a folder."""
        return self.from_bytes((Path(path) / _FILE).read_bytes())


@factory("terminology_linker", requires=["doc.ents"], assigns=["doc.ents"])
def make_terminology_linker(nlp: Language, name: str) -> TerminologyLinker:  # noqa: ARG001
    """Construct the component; the registered name is ``terminology_linker``."""
    return TerminologyLinker(name)
