"""Reference annotation: put on tokens without loss, and refused where it does not belong to the text."""

import json

import pytest
import spacy

from clinical_distilled.corpora.docs import read_docs, write_docs
from clinical_distilled.corpora.entities import (
    Entity,
    exact_mentions,
    normalised_count,
    parse_entity,
    put_on_tokens,
)
from clinical_distilled.corpora.mentions import LABELS, Mention, mentions_of
from clinical_distilled.corpora.reference import attach_reference
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256

TEXT = "Vitamin D/5000 IU for osteopenia.\n\nNo fever."


@pytest.fixture
def doc():
    doc = spacy.blank("en")(TEXT)
    doc.user_data["doc_id"] = "n1"
    return doc


def entity(surface, label, **more):
    start = TEXT.index(surface)
    return {"start": start, "end": start + len(surface), "label": label, "text": surface, **more}


def write(path, **changes):
    row = {"doc_id": "n1", "text_sha256": text_sha256(TEXT), "entities": [entity("fever", "SYMPTOM")]} | changes
    path.write_text(json.dumps({key: value for key, value in row.items() if value is not None}) + "\n")
    return path


def test_every_mention_is_kept_and_the_widened_are_counted(doc):
    entities = [
        parse_entity(entity(*pair), TEXT, "here") for pair in [("Vitamin D", "MEDICATION"), ("fever", "SYMPTOM")]
    ]

    account = put_on_tokens(doc, "reference", [*entities, entities[1]])

    assert [span.text for span in doc.spans["reference"]] == ["Vitamin D/5000", "fever"]
    assert str(account) == "3 mentions = 2 kept + 1 given twice"
    assert normalised_count(doc, "reference") == 1
    assert exact_mentions(doc, "reference") == [Mention(0, 9, "MEDICATION"), Mention(38, 43, "SYMPTOM")]


def test_outer_white_space_is_left_out(doc):
    put_on_tokens(doc, "reference", [Entity(32, 44, "SYMPTOM")])

    assert TEXT[32:44] == ".\n\nNo fever."
    put_on_tokens(doc, "other", [Entity(33, 44, "SYMPTOM"), Entity(37, 43, "SYMPTOM", "SYMP:1")])
    assert [(span.text, span.kb_id_) for span in doc.spans["other"]] == [("No fever.", ""), ("fever", "SYMP:1")]
    assert list(doc.spans["other"].attrs["status"]) == ["normalised", "normalised"]


def test_reference_survives_storage_and_an_empty_one_is_not_none(tmp_path, doc):
    other = spacy.blank("en")(TEXT)
    other.user_data["doc_id"] = "n2"
    path = write(tmp_path / "dev.jsonl")
    path.write_text(path.read_text() + write(tmp_path / "b.jsonl", doc_id="n2", entities=[]).read_text())

    account = attach_reference(path, {"n1": doc, "n2": other}, (), LABELS)
    write_docs([doc, other], tmp_path / "dev.spacy")
    first, second = read_docs(tmp_path / "dev.spacy")

    assert (account.taken, account.kept) == (1, 1)
    assert mentions_of(first.spans["reference"]) == exact_mentions(first, "reference") == [Mention(38, 43, "SYMPTOM")]
    assert "reference" in second.spans
    assert exact_mentions(second, "reference") == []


def test_the_reference_of_a_repeated_note_is_counted(tmp_path, doc):
    path = write(tmp_path / "dev.jsonl", doc_id="gone")

    account = attach_reference(path, {"n1": doc}, {"gone"}, LABELS)

    assert str(account) == "1 mentions = 0 kept + 1 note left out as a repeat"
    account.check()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"doc_id": "n9"}, "line 1: no note 'n9' in this split"),
        ({"doc_id": None}, "line 1: no note None"),
        ({"text_sha256": None}, "line 1, document n1: no text_sha256"),
        ({"text_sha256": "0" * 64}, "line 1, document n1: made for another text"),
        ({"entities": None}, "document n1: 'entities' is missing"),
        ({"entities": ["fever"]}, "document n1: an entity is str"),
        ({"entities": [{"start": "3", "end": 9, "label": "SYMPTOM"}]}, "start or end is missing or not a whole number"),
        ({"entities": [{"start": 3, "end": 9}]}, "entity 3-9: has no label"),
        ({"entities": [{"start": 3, "end": 900, "label": "SYMPTOM"}]}, "entity 3-900: outside the text of 44"),
        ({"entities": [{"start": 9, "end": 9, "label": "SYMPTOM"}]}, "entity 9-9: outside"),
        ({"entities": [{"start": -3, "end": 9, "label": "SYMPTOM"}]}, "outside"),
        ({"entities": [{"start": 33, "end": 35, "label": "SYMPTOM"}]}, "entity 33-35: marks only white space"),
        ({"entities": [entity("fever", "SYMPTOM", text="cough")]}, "entity 38-43: its text is not what stands there"),
        (
            {"entities": [entity("fever", "SIGN")]},
            "document n1: unknown label SIGN. Known are DISEASE",
        ),
    ],
)
def test_rows_that_do_not_fit_name_file_line_and_document(tmp_path, doc, changes, message):
    path = write(tmp_path / "dev.jsonl", **changes)

    with pytest.raises(InputError, match=message) as caught:
        attach_reference(path, {"n1": doc}, (), LABELS)

    assert str(path) in str(caught.value)
    assert "fever" not in str(caught.value)


def test_a_second_row_for_a_note_is_refused(tmp_path, doc):
    path = write(tmp_path / "dev.jsonl")
    path.write_text(path.read_text() * 2)

    with pytest.raises(InputError, match=r"dev\.jsonl, line 2, document n1: a second row"):
        attach_reference(path, {"n1": doc}, (), LABELS)
