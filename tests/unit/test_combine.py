"""The combine step: the choice on dev, hard and soft output, what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Span

from clinical_distilled.consensus.ballots import ballot_of
from clinical_distilled.consensus.combine import apply, combine
from clinical_distilled.consensus.labelers import cohen_kappa
from clinical_distilled.consensus.merge import merge
from clinical_distilled.consensus.report import print_combination
from clinical_distilled.consensus.rules import rule_named
from clinical_distilled.consensus.teachers import declared_labels, read_splits, teacher_names
from clinical_distilled.corpora.docs import read_docs, write_docs
from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError

SCRIPT = Path(__file__).parents[2] / "scripts/combine.py"
NLP = spacy.blank("en")
LABELS = ("DISEASE", "MEDICATION")
RIGHT = [(1, 2, "MEDICATION"), (3, 4, "DISEASE")]
# a finds everything, b diseases only, c drugs and a false disease
FOUND = {
    "a": [(0, 2, "MEDICATION"), (3, 4, "DISEASE")],
    "b": [(3, 4, "DISEASE")],
    "c": [(1, 2, "MEDICATION"), (0, 1, "DISEASE")],
}


def taught(teacher, name, spans, *, reference=True, unknown=()):
    doc = NLP("Took aspirin for asthma.")
    doc.user_data["doc_id"] = name
    doc.user_data["unknown_labels"] = list(unknown)
    set_group(doc, teacher, [Span(doc, *span) for span in spans])
    if reference:
        set_group(doc, "reference", [Span(doc, *span) for span in RIGHT])
    return doc


def splits(*, reference=True, unknown=(), found=FOUND, notes=2):
    return {
        split: merge(
            {
                teacher: [
                    taught(teacher, f"{split}-{n}", spans, reference=reference, unknown=unknown) for n in range(notes)
                ]
                for teacher, spans in found.items()
            }
        )
        for split in ("train", "dev", "test")
    }


DECLARED = {"a": LABELS, "b": ("DISEASE",), "c": LABELS}


def ents(doc):
    return [(span.start, span.end, span.label_) for span in doc.ents]


def test_the_best_scheme_of_each_label_is_chosen_on_dev():
    parts = splits()
    result = combine(parts, DECLARED, LABELS)
    assert str(result.choices["MEDICATION"].best.scheme) == "c"
    assert str(result.choices["DISEASE"].best.scheme) == "a"
    assert ents(parts["test"][0]) == RIGHT
    assert result.dev["combined"]["strict"]["micro"]["f"] == 1
    assert result.dev["b"]["strict"]["micro"]["r"] == 0.5


def test_every_candidate_is_in_votes_with_its_mass_and_nothing_vanishes():
    docs = splits(reference=False)["train"]
    ballots = {label: ballot_of(docs, label, list(FOUND)) for label in LABELS}
    account = apply({label: rule_named("majority")(ballot, None)(ballot) for label, ballot in ballots.items()}, docs)
    votes = docs[0].spans["votes"]
    assert {(span.start, span.end): mass for span, mass in zip(votes, votes.attrs["mass"], strict=True)} == {
        (0, 1): {"DISEASE": 0.3333},
        (0, 2): {"MEDICATION": 0.3333},
        (1, 2): {"MEDICATION": 0.3333},
        (3, 4): {"DISEASE": 0.6667},
    }
    assert [span.label_ for span in votes] == ["DISEASE", "MEDICATION", "MEDICATION", "DISEASE"]
    assert ents(docs[0]) == [(3, 4, "DISEASE")]
    account.check()
    assert (account.taken, account.kept, account.dropped["not enough votes"]) == (8, 2, 6)


def test_without_a_reference_a_label_model_decides():
    parts = splits(reference=False)
    result = combine(parts, DECLARED, LABELS)
    assert result.choices["DISEASE"].best.scheme.rule == "hidden_markov"
    assert result.dev == {}
    assert (3, 4, "DISEASE") in ents(parts["train"][0])
    assert result.to_json()["chosen_by"]["DISEASE"].startswith("default")


def test_a_search_compares_every_subset_of_the_teachers():
    result = combine(splits(), DECLARED, LABELS, search=True)
    assert len({one.scheme.teachers for one in result.choices["DISEASE"].compared}) == 7
    assert len({one.scheme.teachers for one in result.choices["MEDICATION"].compared}) == 3
    assert all(one.row["ci"][0] <= one.row["f"] <= one.row["ci"][1] for one in result.choices["DISEASE"].compared)


def test_the_labelers_are_described_on_the_labels_they_can_give():
    told = combine(splits(), DECLARED, LABELS).labelers
    assert set(told["labels"]["MEDICATION"]) == {"a", "c"}
    a = told["labels"]["MEDICATION"]["a"]
    assert a == {"coverage": 1.0, "overlap": 0.5, "conflict": 0.5, "precision": 0.0, "recall": 0.0}
    assert told["labels"]["DISEASE"]["b"] == {
        "coverage": 0.5, "overlap": 1.0, "conflict": 0.0, "precision": 1.0, "recall": 1.0
    }  # fmt: skip
    assert told["kappa"]["a / b"]["DISEASE"] == 1
    assert "MEDICATION" not in told["kappa"]["a / b"]


def test_kappa_is_cohens():
    # 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: the textbook's 0.4
    first = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    second = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    assert cohen_kappa(first, second) == pytest.approx(0.4)


def test_a_single_teacher_is_itself():
    parts = splits(reference=False, found={"a": FOUND["a"]})
    result = combine(parts, {"a": LABELS}, LABELS)
    assert str(result.choices["DISEASE"].best.scheme) == "a"
    assert ents(parts["train"][0]) == FOUND["a"]


def test_a_teacher_that_cannot_give_a_label_does_not_vote_on_it():
    result = combine(splits(reference=False), DECLARED, LABELS)
    assert result.choices["MEDICATION"].best.scheme.teachers == ("a", "c")
    assert result.choices["DISEASE"].best.scheme.teachers == ("a", "b", "c")


def test_a_label_the_reference_does_not_speak_of_is_not_chosen_by_it():
    result = combine(splits(unknown=["MEDICATION"]), DECLARED, LABELS)
    assert result.choices["MEDICATION"].best.row is None
    assert result.choices["DISEASE"].best.row["f"] == 1
    assert set(result.dev["a"]["strict"]) == {"micro", "DISEASE"}


def test_overlapping_labels_the_heavier_wins():
    found = {"a": [(1, 2, "MEDICATION")], "c": [(0, 2, "DISEASE"), (1, 2, "DISEASE")]}
    parts = splits(reference=False, found=found)
    combine(parts, {"a": ("MEDICATION",), "c": ("DISEASE",)}, LABELS)
    assert ents(parts["train"][0]) == [(0, 2, "DISEASE")]
    assert parts["train"][0].spans["votes"].attrs["mass"][1] == {"DISEASE": 1.0, "MEDICATION": 1.0}


def test_a_label_without_a_mention_is_refused():
    with pytest.raises(InputError, match="single SYMPTOM in train"):
        combine(splits(), DECLARED, (*LABELS, "SYMPTOM"))


def test_an_unknown_label_in_a_reference_is_refused():
    with pytest.raises(InputError, match=r"Document dev-0: .*'MEDICATION'"):
        combine(splits(), DECLARED, ("DISEASE",))


def test_the_report_shows_the_choice(capsys):
    print_combination(combine(splits(), DECLARED, LABELS))
    shown = capsys.readouterr().out
    assert "MEDICATION: c" in shown
    assert "not by clinicians" in " ".join(shown.split())


def write(folder, parts):
    for teacher in FOUND:
        for split, docs in parts.items():
            write_docs(docs, folder / "teachers" / teacher / f"{split}.spacy")


def test_teachers_come_in_the_order_of_the_teach_step_with_the_labels_they_declare(tmp_path):
    write(tmp_path, splits())
    accounts = tmp_path / "teach.json"
    assert teacher_names(tmp_path / "teachers", accounts) == ["a", "b", "c"]
    accounts.write_text(json.dumps({"teachers": {"c": {}, "a": {"labels": ["DISEASE"]}}}))
    names = teacher_names(tmp_path / "teachers", accounts)
    assert names == ["c", "a", "b"]
    declared = declared_labels(read_splits(tmp_path / "teachers", names), names, accounts)
    assert declared == {"c": ["DISEASE", "MEDICATION"], "a": ["DISEASE"], "b": ["DISEASE"]}
    with pytest.raises(InputError, match="no teacher's folder"):
        teacher_names(tmp_path / "nowhere", accounts)


def test_the_program_writes_documents_and_choice(tmp_path):
    write(tmp_path, splits())
    command = [sys.executable, SCRIPT, "teachers", "combined", "--labels", "DISEASE MEDICATION"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    docs = read_docs(tmp_path / "combined/test.spacy")
    assert [ents(doc) for doc in docs] == [RIGHT, RIGHT]
    assert docs[0].spans["votes"].attrs["mass"] == [
        {"DISEASE": 0.0},
        {"MEDICATION": 0.0},
        {"MEDICATION": 1.0},
        {"DISEASE": 1.0},
    ]
    assert "reference" in docs[0].spans
    written = json.loads((tmp_path / "metrics/combine.json").read_text())
    assert written["choice"]["MEDICATION"] == {
        "rule": "single",
        "teachers": ["c"],
        "dev": {"p": 1.0, "r": 1.0, "f": 1.0, "ci": [1.0, 1.0]},
    }
    assert "clinicians" in written["disclaimer"]
    assert "MEDICATION: c" in ran.stdout


def test_the_program_leaves_what_was_there_when_it_fails(tmp_path):
    write(tmp_path, splits())
    write_docs([], tmp_path / "combined/train.spacy")
    before = (tmp_path / "combined/train.spacy").read_bytes()
    command = [sys.executable, SCRIPT, "teachers", "combined", "--labels", "DISEASE"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "dev-0" in ran.stdout + ran.stderr
    assert (tmp_path / "combined/train.spacy").read_bytes() == before
