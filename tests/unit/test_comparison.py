"""The comparison with the real spacy.NER.v3, and the format study on real answers."""

import json
from pathlib import Path

import pytest
import spacy

from clinical_distilled.answers.formats import FORMATS
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.comparison import align_ours, align_theirs, read_answered
from clinical_distilled.teachers.format_study import study

LABELS = ("DISEASE", "SYMPTOM", "MEDICATION")
ASSETS = Path(__file__).parents[2] / "assets"
NLP = spacy.blank("en")


@pytest.fixture
def write(tmp_path):
    def write(text, response):
        path = tmp_path / "answers.jsonl"
        path.write_text(json.dumps({"doc_id": "n1", "text_sha256": text_sha256(text), "response": response}))
        return path

    return write


def test_what_spacy_loses_or_finds_inside_a_word_is_counted(write):
    text = "Family history of MI. Takes aspirin, no chest\npain."
    lines = ["MI | True | DISEASE | x", "aspirin | True | MEDICATION | x", "chest pain | True | SYMPTOM | x"]
    answer = "\n".join(f"{n}. {line}" for n, line in enumerate(lines, start=1))
    answered = list(read_answered([NLP(text)], write(text, answer), "numbered", LABELS))

    ours, theirs = align_ours(answered, LABELS), align_theirs(answered, LABELS)

    assert [text[m.start : m.end] for m in ours.mentions[0]] == ["MI", "aspirin", "chest\npain"]
    assert (ours.account.kept, ours.altered) == (3, 0)
    assert theirs.account.dropped["no reason given"] + theirs.altered > 0


def test_notes_without_an_answer_are_passed_over(write):
    assert list(read_answered([NLP("Another note")], write("A rash", "NONE"), "numbered", LABELS)) == []


def dev_notes():
    rows = [json.loads(line) for line in (ASSETS / "notes/dev.jsonl").open(encoding="utf-8")]
    return {row["doc_id"]: NLP(row["text"]) for row in rows}


@pytest.mark.parametrize("name", FORMATS)
def test_every_real_answer_is_read_and_no_mention_is_lost(name):
    result = study(FORMATS[name], ASSETS / f"answers/formats/{name}.jsonl", dev_notes(), LABELS, len)

    assert (len(result.docs), result.problems, result.account.dropped) == (40, {}, {})
    assert result.account.kept > 750


def test_an_answer_to_another_text_is_refused(write):
    with pytest.raises(InputError, match=r"line 1: no note 'n1' with this text"):
        study(FORMATS["numbered"], write("A rash", "NONE"), {"n1": NLP("Another")}, LABELS, len)
