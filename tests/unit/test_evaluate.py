"""The evaluation step on small combined documents, and its program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

from clinical_distilled.corpora.docs import write_docs
from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError
from clinical_distilled.evaluation.evaluate import evaluate
from clinical_distilled.evaluation.report import DISCLAIMER, print_scores
from clinical_distilled.evaluation.systems import load_pipeline, pipeline_mentions
from clinical_distilled.files import folder_sha256

SCRIPT = Path(__file__).parents[2] / "scripts/evaluate.py"
NLP = spacy.blank("en")


def student():
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "MEDICATION", "pattern": "aspirin"}])
    return nlp


def combined(number, *, reference=True):
    doc = NLP("Took aspirin and metformin for asthma.")
    doc.user_data["doc_id"] = f"note-{number}"
    aspirin, metformin, asthma = doc[1:2], doc[3:4], doc[5:6]
    drugs = [doc.char_span(span.start_char, span.end_char, label="MEDICATION") for span in (aspirin, metformin)]
    disease = doc.char_span(asthma.start_char, asthma.end_char, label="DISEASE")
    set_group(doc, "good", [*drugs, disease])
    set_group(doc, "poor", [])
    set_group(doc, "votes", [*drugs, disease], mass=[{}, {}, {}])
    doc.ents = [*drugs, disease]
    if reference:
        set_group(doc, "reference", [*drugs, disease])
    return doc


def test_teachers_combination_and_student_are_scored_against_the_reference():
    result = evaluate([combined(n) for n in range(3)], student(), "test")
    assert list(result.scores) == ["test"]
    assert list(result.scores["test"]) == ["good", "poor", "combined", "student"]
    found = result.scores["test"]["student"]["strict"]
    assert found["micro"]["f"] == 0.5
    assert found["MEDICATION"] == {"p": 1.0, "r": 0.5, "f": 0.6667, "ci": [0.6667, 0.6667]}
    assert result.error_counts()["test"]["student"]["DISEASE"]["missed"] == 3


def test_without_a_reference_the_student_agrees_with_the_combination():
    result = evaluate([combined(0, reference=False)], student(), "test")
    assert list(result.scores) == ["test_agreement"]
    assert list(result.scores["test_agreement"]) == ["student"]
    assert result.scores["test_agreement"]["student"]["strict"]["micro"]["f"] == 0.5


def test_only_documents_with_a_reference_are_scored_where_some_have_one():
    unannotated = combined(1, reference=False)
    unannotated.ents = ()
    result = evaluate([combined(0), unannotated], student(), "test")
    assert result.scores["test"]["combined"]["strict"]["micro"]["f"] == 1
    assert result.error_counts()["test"]["student"]["MEDICATION"]["missed"] == 1


def test_the_student_never_sees_the_documents_entities():
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler")
    assert pipeline_mentions(nlp, [combined(0)]) == [[]]


def test_the_disclaimer_stands_beside_reference_scores_and_not_beside_agreement(capsys):
    print_scores(evaluate([combined(0)], student(), "test").scores)
    shown = capsys.readouterr().out
    assert DISCLAIMER in " ".join(shown.split())
    assert "poor" in shown
    print_scores(evaluate([combined(0, reference=False)], student(), "test").scores)
    shown = " ".join(capsys.readouterr().out.split())
    assert DISCLAIMER not in shown
    assert "agreement with the combination" in shown


def test_a_folder_without_a_pipeline_is_refused(tmp_path):
    with pytest.raises(InputError, match="no spaCy pipeline"):
        load_pipeline(tmp_path)


def test_the_program_writes_scores_and_errors_and_shows_them(tmp_path):
    write_docs([combined(n) for n in range(3)], tmp_path / "test.spacy")
    student().to_disk(tmp_path / "student")
    ran = subprocess.run(
        [sys.executable, SCRIPT, "test.spacy", "student", "metrics/evaluation.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    scores = json.loads((tmp_path / "metrics/evaluation.json").read_text())
    errors = json.loads((tmp_path / "metrics/errors.json").read_text())
    assert scores["test"]["student"]["token"]["micro"]["ci"] == [0.5, 0.5]
    assert scores["about"] == {"pipeline_sha256": folder_sha256(tmp_path / "student")}
    assert errors["test"]["poor"]["counts"]["DISEASE"]["missed"] == 3
    assert "student" in ran.stdout


def test_the_program_names_what_is_missing(tmp_path):
    ran = subprocess.run(
        [sys.executable, SCRIPT, "test.spacy", "student", "metrics/evaluation.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "test.spacy: no such file" in ran.stdout + ran.stderr
    assert not (tmp_path / "metrics").exists()
