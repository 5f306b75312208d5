"""The document that travels between all steps: a `Doc` with a ``doc_id``, stored in a DocBin."""

from collections.abc import Iterable
from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from clinical_distilled.errors import InputError
from clinical_distilled.files import atomic_path

SPLITS = ("train", "dev", "test")
REFERENCE = "reference"  # the span group that holds a split's reference annotation, where there is one
UNKNOWN_LABELS = "unknown_labels"  # in `user_data`: labels the annotators did not mark, so unknown, not absent


def doc_id(doc: Doc) -> str:
    """Return the stable, unique identifier a document carries in ``user_data["doc_id"]``."""
    return str(doc.user_data["doc_id"])


def read_docs(path: Path, vocab: Vocab | None = None) -> list[Doc]:
    """Read all documents of a DocBin.

    Raises
    ------
    InputError
        If the file is missing or is not a DocBin, or a document has no ``doc_id``.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file. Run the step that writes it first (`spacy project run all`).")
    try:
        docs = list(DocBin().from_disk(path).get_docs(vocab or spacy.blank("en").vocab))
    except Exception as error:  # DocBin raises whatever its decoder meets in foreign bytes
        raise InputError(f"{path}: not a DocBin ({type(error).__name__}). Write it anew.") from None
    for position, doc in enumerate(docs):
        if "doc_id" not in doc.user_data:
            raise InputError(f'{path}: document {position} has no user_data["doc_id"].')
    return docs


def write_docs(docs: Iterable[Doc], path: Path) -> None:
    """Write documents with their user data and span groups to a DocBin, atomically."""
    bin_ = DocBin(store_user_data=True)
    for doc in docs:
        bin_.add(doc)
    with atomic_path(path) as temporary:
        bin_.to_disk(temporary)
