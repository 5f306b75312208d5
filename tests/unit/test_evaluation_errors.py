"""Errors by cause."""

import json

import spacy

from clinical_distilled.corpora.mentions import Mention
from clinical_distilled.evaluation.errors import by_cause, errors_of, to_json
from clinical_distilled.evaluation.metrics import truth_of

NLP = spacy.blank("en")
TEXT = "Severe chest pain, took aspirin for hypertension."


def wrong(gold, found):
    doc = NLP.make_doc(TEXT)
    doc.user_data["doc_id"] = "a"
    truth = truth_of([doc], [[Mention(*mention) for mention in gold]])
    return errors_of(truth, [[Mention(*mention) for mention in found]])


def test_each_cause_is_told_from_the_others():
    gold = [(7, 17, "SYMPTOM"), (24, 31, "MEDICATION"), (36, 48, "DISEASE")]
    assert wrong(gold, gold) == []
    assert by_cause(wrong(gold[:1], [(0, 17, "SYMPTOM")]))["SYMPTOM"]["boundary"] == 1
    assert by_cause(wrong(gold[:1], [(7, 17, "DISEASE")]))["SYMPTOM"]["label"] == 1
    assert by_cause(wrong(gold[:1], [(0, 17, "DISEASE")]))["SYMPTOM"]["both"] == 1
    assert by_cause(wrong(gold[:1], []))["SYMPTOM"]["missed"] == 1
    assert by_cause(wrong([], gold[1:2]))["MEDICATION"]["spurious"] == 1


def test_every_mention_is_in_one_error_at_most():
    errors = wrong([(0, 6, "SYMPTOM"), (7, 17, "SYMPTOM")], [(0, 17, "SYMPTOM")])
    assert [error.cause.value for error in errors] == ["boundary", "missed"]


def test_the_same_borders_come_before_an_overlap():
    errors = wrong([(7, 17, "SYMPTOM")], [(0, 17, "SYMPTOM"), (7, 17, "DISEASE")])
    assert {error.cause.value for error in errors} == {"label", "spurious"}


def test_what_is_written_has_offsets_and_no_text():
    written = json.dumps(to_json(wrong([(7, 17, "SYMPTOM")], [])))
    assert '"gold": [7, 17, "SYMPTOM"]' in written
    assert "pain" not in written
