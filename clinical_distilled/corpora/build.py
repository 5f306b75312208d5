"""The corpus step: notes and their reference in, one DocBin per split out, all or none."""

from collections import Counter
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.docs import REFERENCE, SPLITS, doc_id, write_docs
from clinical_distilled.corpora.entities import normalised_count
from clinical_distilled.corpora.notes import Note
from clinical_distilled.corpora.reference import attach_reference
from clinical_distilled.corpora.splits import REFERENCE_FOLDER, read_splits
from clinical_distilled.errors import InputError
from clinical_distilled.files import atomic_path


@dataclass(frozen=True)
class Corpus:
    """All documents by split, and what happened to notes and reference mentions on the way."""

    docs: dict[str, list[Doc]]
    notes: dict[str, Account]
    mentions: dict[str, Account]

    def to_json(self) -> dict[str, Any]:
        """Return counts per split: documents, words (by white space), characters, reference mentions; the accounts."""
        return {
            "splits": {split: _describe(docs) for split, docs in self.docs.items()},
            "notes": {name: account.to_json() for name, account in self.notes.items()},
            "reference_mentions": {name: account.to_json() for name, account in self.mentions.items()},
        }


def build_corpus(
    notes: Path, labels: Collection[str], lang: str = "en", text_field: str = "text", id_field: str = "doc_id"
) -> Corpus:
    """Read, split, check and tokenise notes, and put the reference on them where there is one.

    Parameters
    ----------
    notes : Path
        What `splits.read_splits` reads. Beside given splits, ``reference/{train,dev,test}.jsonl`` is read too.
    labels : collection of str
        The labels the reference may have.
    lang : str
        The spaCy language whose tokeniser is used.

    Returns
    -------
    Corpus
        Documents with ``user_data["doc_id"]``, ``user_data["meta"]`` (the row's other fields) and, where annotated,
        ``spans["reference"]``. Long notes are kept whole.

    Raises
    ------
    InputError
        Whatever is wrong with the notes or the reference.
    """
    splits = read_splits(notes, text_field, id_field)
    nlp = _blank(lang)
    docs = {
        split: [to_doc(nlp, note) for note in tqdm(members, desc=f"tokenise {split}", unit="note", leave=False)]
        for split, members in splits.notes.items()
    }
    mentions: dict[str, Account] = {}
    for split, path in _reference_files(notes).items():
        by_id = {doc_id(doc): doc for doc in docs[split]}
        mentions[split] = attach_reference(path, by_id, splits.dropped, labels)
    for account in (*splits.accounts.values(), *mentions.values()):
        account.check()
    return Corpus(docs, splits.accounts, mentions)


def write_corpus(corpus: Corpus, folder: Path) -> None:
    """Write ``{train,dev,test}.spacy``; what was there before goes only when all three could be written."""
    with ExitStack() as stack:
        paths = {split: stack.enter_context(atomic_path(folder / f"{split}.spacy")) for split in corpus.docs}
        for split, path in paths.items():
            write_docs(corpus.docs[split], path)


def to_doc(nlp: Language, note: Note) -> Doc:
    """Tokenise a note and give the document its identifier and its row's other fields."""
    doc = nlp.tokenizer(note.text)
    try:
        srsly.msgpack_dumps(note.meta)
    except (OverflowError, ValueError, TypeError):
        raise InputError(f"{note.source}: a field cannot be stored, as a number beyond 64 bits. Quote it.") from None
    doc.user_data.update({"doc_id": note.doc_id, "meta": note.meta})
    return doc


def _blank(lang: str) -> Language:
    try:
        return spacy.blank(lang)
    except ImportError:
        raise InputError(f"{lang!r} is no language spaCy knows. Give a code such as 'en'.") from None


def _reference_files(notes: Path) -> dict[str, Path]:
    folder = notes / REFERENCE_FOLDER
    if not folder.is_dir():
        return {}
    found: dict[str, Path] = {}
    for path in sorted(path for path in folder.iterdir() if not path.name.startswith(".")):
        split = path.name.removesuffix(".gz").removesuffix(".jsonl")
        if split not in SPLITS or split in found or path.name == split:
            raise InputError(f"{path}: expected only train.jsonl, dev.jsonl or test.jsonl in this folder.")
        found[split] = path
    return found


def _describe(docs: list[Doc]) -> dict[str, Any]:
    words = [len(doc.text.split()) for doc in docs]
    annotated = [doc for doc in docs if REFERENCE in doc.spans]
    described: dict[str, Any] = {
        "notes": len(docs),
        "words": sum(words),
        "longest_note_words": max(words),
        "characters": sum(len(doc.text) for doc in docs),
    }
    if annotated:
        labels = Counter(span.label_ for doc in annotated for span in doc.spans[REFERENCE])
        described["reference"] = {
            "notes": len(annotated),
            "mentions": dict(sorted(labels.items())),
            "widened_to_tokens": sum(normalised_count(doc, REFERENCE) for doc in annotated),
        }
    return described
