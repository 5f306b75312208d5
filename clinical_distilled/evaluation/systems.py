"""Where the mentions to score come from: span groups and entities of documents, or a pipeline run on their texts."""

from collections.abc import Sequence
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from clinical_distilled.corpora.docs import REFERENCE
from clinical_distilled.corpora.entities import exact_mentions
from clinical_distilled.corpora.mentions import Mention, mentions_of
from clinical_distilled.errors import InputError

VOTES = "votes"  # the span group of the combination's soft output


def annotated(docs: Sequence[Doc]) -> list[Doc]:
    """Return the documents that have a reference; one without the span group was not annotated."""
    return [doc for doc in docs if REFERENCE in doc.spans]


def reference_mentions(docs: Sequence[Doc]) -> list[list[Mention]]:
    """Return the reference of each document, at its annotator's own offsets where these are known.

    Human annotation may begin or end inside a token. It is scored as it stands, though no pipeline can find it.
    """
    return [
        exact_mentions(doc, REFERENCE) if "offsets" in doc.spans[REFERENCE].attrs else mentions_of(doc.spans[REFERENCE])
        for doc in docs
    ]


def teachers_of(docs: Sequence[Doc]) -> list[str]:
    """Return the names of the span groups that hold teachers' mentions, in the order they were stored."""
    names = dict.fromkeys(name for doc in docs for name in doc.spans)
    return [name for name in names if name not in (REFERENCE, VOTES)]


def group_mentions(docs: Sequence[Doc], name: str) -> list[list[Mention]]:
    """Return the mentions of a span group, one list per document; empty where a document has no such group."""
    return [mentions_of(doc.spans[name]) if name in doc.spans else [] for doc in docs]


def entity_mentions(docs: Sequence[Doc]) -> list[list[Mention]]:
    """Return the mentions in ``doc.ents``, one list per document."""
    return [mentions_of(doc.ents) for doc in docs]


def load_pipeline(path: Path) -> Language:
    """Load a pipeline directory.

    Raises
    ------
    InputError
        If there is no pipeline in it.
    """
    if not (path / "meta.json").exists():
        raise InputError(f"{path}: no spaCy pipeline here. Train one first (`spacy project run all`).")
    return spacy.load(path)


def pipeline_mentions(nlp: Language, docs: Sequence[Doc]) -> list[list[Mention]]:
    """Run a pipeline on the bare texts of `docs` and return what it finds.

    The texts, not the documents, go in: a document brings entities that a pipeline would keep.
    """
    found = nlp.pipe(doc.text for doc in docs)
    return entity_mentions(list(tqdm(found, total=len(docs), desc="Notes", unit="note", leave=False)))
