"""The smoke test's own reporting: what differs is named by note and by check, never by text."""

import json
import sys
from pathlib import Path

import pytest
import spacy
from small_project import TEXTS

from clinical_distilled.errors import InputError
from clinical_distilled.packaging.smoke import Wheel, expected_of, read_wheel, run_checks
from clinical_distilled.packaging.smoke_checks import CheckError, Subject, entities_of, odd_notes

WHEEL = Wheel(Path("w.whl"), "en_made", ("spacy",))


def documents(nlp):
    docs = [nlp.make_doc(text) for text in TEXTS]
    for number, doc in enumerate(docs):
        doc.user_data["doc_id"] = f"note-{number}"
    return docs


def pipeline(pattern="asthma"):
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DISEASE", "pattern": pattern}])
    return nlp


def subject(nlp):
    docs = list(nlp.pipe(TEXTS))
    ids = [f"note-{number}" for number in range(len(TEXTS))]
    return Subject("en_made", nlp, ids, list(TEXTS), [entities_of(doc) for doc in docs], needs_torch=False)


def test_expected_entities_are_those_of_the_pipeline_here():
    nlp = pipeline()
    expected = expected_of(WHEEL, nlp, documents(nlp))
    start = TEXTS[2].index("asthma")
    assert expected["notes"][2]["entities"] == [(start, start + 6, "DISEASE")]
    assert expected["notes"][1] == {"id": "note-1", "text": "", "entities": []}
    assert not expected["needs_torch"]


def test_a_difference_names_the_note_and_not_its_text():
    known = subject(pipeline())
    with pytest.raises(CheckError, match="1 of 3 notes, the first is note-2") as raised:
        known.compare(pipeline("fever").pipe(TEXTS))
    assert "asthma" not in str(raised.value)


def test_a_note_that_is_lost_is_found():
    known = subject(pipeline())
    with pytest.raises(CheckError, match="3 notes in, 2 out"):
        known.compare(known.nlp.pipe(TEXTS[:2]))


def test_an_entity_in_an_empty_note_is_found():
    nlp = pipeline()
    nlp.get_pipe("entity_ruler").add_patterns([{"label": "DISEASE", "pattern": [{"IS_SPACE": True}]}])
    with pytest.raises(CheckError):
        odd_notes(subject(nlp))


def test_a_package_that_does_not_load_is_a_failure(tmp_path, capfd):
    expected = tmp_path / "expected.json"
    expected.write_text(json.dumps({"notes": [], "needs_torch": False}))
    result = run_checks(Path(sys.executable), "en_is_not_there", expected, "alone")
    assert result["failures"] == {"program": "ended with code 1 after 'start'"}


@pytest.mark.parametrize("needs", [["torch>=2"], ["spacy", "spacy-transformers>=1.4"]])
def test_a_package_on_torch_is_known_as_such(needs):
    assert Wheel(WHEEL.path, "en_made", tuple(needs)).needs_torch


def test_a_missing_or_broken_wheel_is_named(tmp_path):
    with pytest.raises(InputError, match="Run the step `package` first"):
        read_wheel(tmp_path / "none.whl")
    broken = tmp_path / "broken.whl"
    broken.write_bytes(b"no zip")
    with pytest.raises(InputError, match="not a wheel"):
        read_wheel(broken)
