"""The ``ontology_matcher`` component: marks the names of a terminology in a document."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans

from clinical_distilled.corpora.mentions import LABELS, set_group
from clinical_distilled.runtime.abbreviations import defined_abbreviations
from clinical_distilled.runtime.matcher import Match, TermMatcher
from clinical_distilled.terminology.matching import load_matcher

GROUP = "mentions"
_FILE = "terms"


class OntologyMatcher(Pipe):
    """Find terms: whole words, longest match, upper-case acronyms by case.

    Sets ``doc.spans["mentions"]``, each span with its concept as ``kb_id_``, and in the group's attributes the status
    "exact" and the ``alternatives``, pairs of label and concept that the name may stand for too. What does not overlap
    an entity that is there already becomes one of ``doc.ents``. Behind an ``abbreviation_detector`` (scispaCy's, for
    example) an abbreviation that the note defines is what its long form is.

    Parameters
    ----------
    labels
        The labels to mark.

    Notes
    -----
    The terms come from `initialize`, or from what `to_disk` or `to_bytes` wrote; a saved pipeline needs no term file.
    """

    def __init__(self, name: str = "ontology_matcher", labels: Sequence[str] = LABELS) -> None:
        self.name = name
        self.wanted = tuple(labels)
        self.matcher: TermMatcher | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels this component may set."""
        return self.wanted

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,  # noqa: ARG002 - spaCy passes it to all
        *,
        nlp: Language | None = None,  # noqa: ARG002
        terms: str | Path | None = None,
    ) -> None:
        """Compile the terms at `terms` (`sources.read_terms`), or load an index; without it, keep those loaded.

        Raises
        ------
        InputError
            If there is nothing to read, or a file is broken.
        """
        if terms is not None:
            self.matcher = load_matcher(Path(terms))

    def __call__(self, doc: Doc) -> Doc:
        """Mark the terms of a document.

        Raises
        ------
        ValueError
            If no terms were loaded.
        """
        if self.matcher is None:
            raise ValueError(
                f"{self.name} has no terms. Call initialize(terms=...), or nlp.initialize() with "
                f"[initialize.components.{self.name}] terms in the config."
            )
        found = self._of_wanted_labels(self.matcher(doc))
        found = self._with_abbreviations(doc, found)
        spans = [Span(doc, one.start, one.end, one.labels[0], kb_id=one.concepts[0]) for one in found]
        alternatives = [_alternatives(one) for one in found]
        set_group(doc, GROUP, spans, status=["exact"] * len(spans), alternatives=alternatives, lost=[])
        doc.ents = filter_spans([*doc.ents, *_clear_of(doc.ents, spans)])
        return doc

    def _of_wanted_labels(self, matches: Iterable[Match]) -> list[Match]:
        found = []
        for match in matches:
            senses = [sense for sense in zip(match.labels, match.concepts, strict=True) if sense[0] in self.wanted]
            if senses:
                labels, concepts = zip(*senses, strict=True)
                found.append(match._replace(labels=labels, concepts=concepts))
        return found

    def _with_abbreviations(self, doc: Doc, found: list[Match]) -> list[Match]:
        """Let an abbreviation that the note defines mean what its long form means."""
        senses = {(one.start, one.end): one for one in found}
        defined = {
            (short.start, short.end): senses[long.start, long.end]._replace(start=short.start, end=short.end)
            for short, long in defined_abbreviations(doc)
            if (long.start, long.end) in senses
        }
        taken = {token for start, end in defined for token in range(start, end)}
        kept = [one for one in found if not taken.intersection(range(one.start, one.end))]
        return sorted([*kept, *defined.values()])

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:  # noqa: ARG002
        """Return the compiled terms."""
        return self.matcher.to_bytes() if self.matcher else b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "OntologyMatcher":  # noqa: ARG002
        """Load compiled terms."""
        self.matcher = TermMatcher.from_bytes(data) if data else None
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        """Write the compiled terms into a folder."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).write_bytes(self.to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "OntologyMatcher":  # noqa: ARG002
        """Load compiled terms from a folder."""
        return self.from_bytes((Path(path) / _FILE).read_bytes())


@Language.factory("ontology_matcher", assigns=["doc.spans", "doc.ents"], default_config={"labels": list(LABELS)})
def make_ontology_matcher(nlp: Language, name: str, labels: list[str]) -> OntologyMatcher:  # noqa: ARG001
    """Construct the component; the registered name is ``ontology_matcher``."""
    return OntologyMatcher(name, labels)


def _alternatives(found: Match) -> list[list[Any]]:
    return [list(sense) for sense in zip(found.labels[1:], found.concepts[1:], strict=True)]


def _clear_of(entities: Iterable[Span], spans: Iterable[Span]) -> list[Span]:
    taken = {token.i for entity in entities for token in entity}
    return [span for span in spans if not taken.intersection(range(span.start, span.end))]
