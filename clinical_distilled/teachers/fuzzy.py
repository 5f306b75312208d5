"""The ``ontology_fuzzy`` component: names that are written almost as a terminology writes them, by scispaCy.

scispaCy's candidate generator compares character 3-grams with an approximate nearest neighbour index (nmslib). It wants
numpy below 2, so it lives in an environment of its own; nothing here is imported before the component is used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rapidfuzz.distance import DamerauLevenshtein
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span
from spacy.training import Example

from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.ontology import GROUP
from clinical_distilled.terminology.sources import read_terms
from clinical_distilled.terminology.terms import Term

if TYPE_CHECKING:
    from scispacy.candidate_generation import CandidateGenerator

_FILE = "terms.jsonl"
_NEIGHBOURS = 5
_BREAKS = "\n,;:."


@dataclass(frozen=True)
class FuzzySettings:
    """What may be a name.

    Attributes
    ----------
    min_similarity : float
        Share of the letters that need no change to make the name of it (Damerau-Levenshtein), 0 to 1. The cosine of
        character 3-grams only proposes names: by it alone "shoulder" resembles "shoulder pain".
    max_tokens : int
        Most tokens of a name.
    min_letters : int
        A shorter stretch is no candidate: one letter makes it another word.
    """

    min_similarity: float = 0.9
    max_tokens: int = 4
    min_letters: int = 7


class OntologyFuzzy(Pipe):
    """Adds to ``doc.spans["mentions"]`` what resembles a name, where no mention is yet; status "fuzzy".

    Put it behind ``ontology_matcher``, which finds names that are written as they should be.

    Notes
    -----
    Terms come from `initialize` or from what was saved; scispaCy's index is built anew from them on loading, as its own
    files are pickles.
    """

    def __init__(self, name: str = "ontology_fuzzy", settings: FuzzySettings = FuzzySettings()) -> None:
        self.name = name
        self.settings = settings
        self._terms: dict[str, Term] = {}
        self._generator: CandidateGenerator | None = None

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,  # noqa: ARG002 - spaCy passes it to all
        *,
        nlp: Language | None = None,  # noqa: ARG002
        terms: str | Path,
    ) -> None:
        """Read the terms at `terms` and index them.

        Raises
        ------
        InputError
            If there is nothing to read, or scispaCy is not installed.
        """
        self._index(read_terms(Path(terms)))

    def __call__(self, doc: Doc) -> Doc:
        """Add what resembles a name.

        Raises
        ------
        ValueError
            If no terms were loaded.
        """
        if self._generator is None:
            raise ValueError(f"{self.name} has no terms. Call initialize(terms=...).")
        known = doc.spans.get(GROUP)
        spans = list(known) if known is not None else []
        attrs = {key: list(values) for key, values in (known.attrs if known is not None else {}).items()}
        attrs.setdefault("status", ["exact"] * len(spans))
        lost = attrs.pop("lost", [])
        taken = {token.i for span in spans for token in span}
        for found in self._found(doc, taken, self._generator):
            spans.append(found)
            attrs["status"].append("fuzzy")
            for key in attrs.keys() - {"status"}:
                attrs[key].append([] if key == "alternatives" else None)
        set_group(doc, GROUP, spans, **attrs, lost=lost)
        return doc

    def _found(self, doc: Doc, taken: set[int], generate: CandidateGenerator) -> list[Span]:
        """Return the most similar stretches first, none overlapping another or what is taken."""
        stretches = self._stretches(doc, taken)
        texts = [doc[start:end].text.lower() for start, end in stretches]
        scored = []
        for (start, end), text, concepts in zip(stretches, texts, generate(texts, _NEIGHBOURS), strict=True):
            names = [(_similarity(text, name), one.concept_id) for one in concepts for name in one.aliases]
            similarity, concept = max(names, default=(0.0, ""))
            if similarity >= self.settings.min_similarity:
                scored.append((-similarity, start - end, start, end, concept))
        found = []
        for _, _, start, end, concept in sorted(scored):
            if not taken.intersection(range(start, end)):
                taken |= set(range(start, end))
                found.append(Span(doc, start, end, self._terms[concept].label, kb_id=concept))
        return found

    def _stretches(self, doc: Doc, taken: set[int]) -> list[tuple[int, int]]:
        ends = [token.is_alpha and not token.is_stop and token.i not in taken for token in doc]
        stretches = []
        for start in range(len(doc)):
            for end in range(start + 1, min(start + self.settings.max_tokens, len(doc)) + 1):
                last = doc[end - 1]
                if not ends[start] or last.i in taken or any(sign in last.text for sign in _BREAKS):
                    break
                if ends[end - 1] and len(doc[start:end].text) >= self.settings.min_letters:
                    stretches.append((start, end))
        return stretches

    def _index(self, terms: Iterable[Term]) -> None:
        self._terms = {term.concept: term for term in terms}
        self._generator = _candidate_generator(self.name, self._terms.values())

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:  # noqa: ARG002
        """Return the terms, one JSON list to a line."""
        return b"".join(json.dumps(term, ensure_ascii=False).encode() + b"\n" for term in self._terms.values())

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> OntologyFuzzy:  # noqa: ARG002
        """Load terms and index them."""
        rows: list[Any] = [json.loads(line) for line in data.splitlines()]
        if rows:
            self._index(Term(concept, label, name, tuple(synonyms)) for concept, label, name, synonyms in rows)
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:  # noqa: ARG002
        """Write the terms into a folder."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _FILE).write_bytes(self.to_bytes())

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> OntologyFuzzy:  # noqa: ARG002
        """Load terms from a folder."""
        return self.from_bytes((Path(path) / _FILE).read_bytes())


@Language.factory(
    "ontology_fuzzy",
    assigns=["doc.spans"],
    default_config={"min_similarity": 0.9, "max_tokens": 4, "min_letters": 7},
)
def make_ontology_fuzzy(
    nlp: Language,  # noqa: ARG001
    name: str,
    min_similarity: float,
    max_tokens: int,
    min_letters: int,
) -> OntologyFuzzy:
    """Construct the component; the registered name is ``ontology_fuzzy``."""
    return OntologyFuzzy(name, FuzzySettings(min_similarity, max_tokens, min_letters))


def _similarity(text: str, name: str) -> float:
    return float(DamerauLevenshtein.normalized_similarity(text, name))


def _candidate_generator(name: str, terms: Iterable[Term]) -> CandidateGenerator:
    """Index terms for scispaCy's generator.

    Not by its own `create_tfidf_ann_index`, which refuses scipy 1.11 and later and takes minutes for ten thousand
    names; the vectors and the graph are of the same kind. One thread, so that the same terms give the same graph.
    """
    try:
        import nmslib  # type: ignore[import-not-found]  # noqa: PLC0415
        from scispacy.candidate_generation import CandidateGenerator  # noqa: PLC0415
        from scispacy.linking_utils import Entity, KnowledgeBase  # noqa: PLC0415
        from sklearn.feature_extraction.text import (  # type: ignore[import-not-found]  # noqa: PLC0415
            TfidfVectorizer,
        )
    except ImportError as error:
        raise InputError(
            f"{name} needs scispaCy, which cannot be used here ({error.name} is missing). It wants numpy<2: install it "
            "with this project in an environment of its own (pip install scispacy)."
        ) from None
    knowledge = KnowledgeBase(
        [Entity(term.concept, term.name.lower(), [name.lower() for name in term.synonyms]) for term in terms]
    )
    aliases = list(knowledge.alias_to_cuis)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), dtype=np.float32)
    index = nmslib.init(method="hnsw", space="cosinesimil_sparse", data_type=nmslib.DataType.SPARSE_VECTOR)
    index.addDataPointBatch(vectorizer.fit_transform(aliases))
    index.createIndex({"M": 30, "efConstruction": 200, "post": 0, "indexThreadQty": 1})
    index.setQueryTimeParams({"efSearch": 200})
    return CandidateGenerator(index, vectorizer, aliases, knowledge)
