"""The corpus step: documents as the other steps expect them, written all or none."""

import json

import pytest

from clinical_distilled.corpora.build import build_corpus, write_corpus
from clinical_distilled.corpora.docs import SPLITS, read_docs
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256

TEXTS = {"train": "Metformin for type 2 diabetes.", "dev": "No fever after surgery.", "test": "Denies cough and rash."}


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    (folder / "reference").mkdir(parents=True)
    for split, text in TEXTS.items():
        (folder / f"{split}.jsonl").write_text(json.dumps({"doc_id": f"{split}-1", "ward": 6, "text": text}) + "\n")
    reference = {
        "doc_id": "dev-1",
        "text_sha256": text_sha256(TEXTS["dev"]),
        "entities": [{"start": 3, "end": 8, "label": "SYMPTOM"}],
    }
    (folder / "reference" / "dev.jsonl").write_text(json.dumps(reference))
    return folder


def test_documents_carry_id_meta_and_reference(notes, tmp_path):
    corpus = build_corpus(notes, LABELS)
    write_corpus(corpus, tmp_path / "out")
    docs = {split: read_docs(tmp_path / "out" / f"{split}.spacy") for split in SPLITS}

    assert {split: (doc.text, doc.user_data["doc_id"]) for split, (doc,) in docs.items()} == {
        split: (text, f"{split}-1") for split, text in TEXTS.items()
    }
    assert docs["dev"][0].user_data["meta"] == {"ward": 6}
    assert [(span.text, span.label_) for span in docs["dev"][0].spans["reference"]] == [("fever", "SYMPTOM")]
    assert "reference" not in docs["test"][0].spans


def test_counts(notes):
    counts = build_corpus(notes, LABELS).to_json()

    assert counts["splits"]["train"] == {"notes": 1, "words": 5, "longest_note_words": 5, "characters": 30}
    assert counts["splits"]["dev"]["reference"] == {"notes": 1, "mentions": {"SYMPTOM": 1}, "widened_to_tokens": 0}
    assert counts["reference_mentions"] == {"dev": {"taken": 1, "kept": 1, "dropped": {}}}
    assert counts["notes"]["test"] == {"taken": 1, "kept": 1, "dropped": {}}


def test_the_same_notes_give_the_same_bytes(notes, tmp_path):
    for name in ("a", "b"):
        write_corpus(build_corpus(notes, LABELS), tmp_path / name)

    for split in SPLITS:
        assert (tmp_path / "a" / f"{split}.spacy").read_bytes() == (tmp_path / "b" / f"{split}.spacy").read_bytes()


def test_a_failed_write_leaves_what_was_there(notes, tmp_path):
    corpus = build_corpus(notes, LABELS)
    write_corpus(corpus, tmp_path / "out")
    before = (tmp_path / "out" / "train.spacy").read_bytes()
    corpus.docs["train"][0].user_data["doc_id"] = "changed"
    corpus.docs["test"][0].user_data["broken"] = object()

    with pytest.raises(TypeError):
        write_corpus(corpus, tmp_path / "out")

    assert (tmp_path / "out" / "train.spacy").read_bytes() == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dev.spacy", "test.spacy", "train.spacy"]


@pytest.mark.parametrize("name", ["gold.jsonl", "dev.csv", "dev"])
def test_a_reference_file_that_belongs_to_no_split_is_refused(notes, name):
    (notes / "reference" / name).write_text("")

    with pytest.raises(InputError, match=rf"{name}: expected only train\.jsonl, dev\.jsonl or test\.jsonl"):
        build_corpus(notes, LABELS)


def test_unknown_language(notes):
    with pytest.raises(InputError, match="'xy' is no language"):
        build_corpus(notes, LABELS, lang="xy")


def test_a_field_that_cannot_be_stored_names_the_line(notes):
    (notes / "train.jsonl").write_text(json.dumps({"text": "MI", "oid": 10**30}))

    with pytest.raises(InputError, match=r"train\.jsonl, line 1: a field cannot be stored"):
        build_corpus(notes, LABELS)
