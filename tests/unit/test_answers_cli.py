"""The answers program: statistics, export, import, purge, verify."""

import json
import runpy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from clinical_distilled.answers.entries import Reply, Request, Status, recorded_key
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.ledger_report import Purge, purge, verify
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "l.sqlite"
    ledger = Ledger(path)
    for doc_id, model, status in [("d1", "m1", "answered"), ("d2", "m1", "failed"), ("d3", "m2", "answered")]:
        request = Request(f"{doc_id}-{model}", doc_id, text_sha256(doc_id), model=model, task="ner")
        ledger.claim(request)
        answer = f"1. {doc_id}" if status == "answered" else None
        reply = Reply(answer, tokens_in=100, price=0.25 if model == "m1" else None, seconds=1.5, attempts=1)
        ledger.settle(request, reply, Status(status))
    ledger.close()
    return path


@pytest.fixture
def answers():
    app = runpy.run_path(str(ROOT / "scripts/answers.py"))["app"]

    def run(*arguments):
        """Return lines as printed, the text without its line breaks, and the error."""
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return done.stdout.splitlines(), " ".join(done.stdout.split()), done.exception

    return run


def test_stats_count_by_model_and_task(answers, path):
    lines, text, _ = answers("stats", path)

    rows = [line.split() for line in lines if line.startswith("m")]
    assert rows[1][:6] == ["m1", "ner", "1", "1", "0", "0"]
    assert rows[1][-1] == "0.5000"
    assert rows[2][-1] == "?"
    assert "$0.5000 spent" in text


def test_an_export_is_imported_elsewhere_and_holds_no_failures(answers, path, tmp_path):
    exported = answers("export", path, tmp_path / "a.jsonl", "--model", "m1")
    imported = answers("import", tmp_path / "new.sqlite", tmp_path / "a.jsonl")

    assert "1 answers in" in exported[1]
    assert "1 answers added" in imported[1]
    assert [json.loads(line)["doc_id"] for line in (tmp_path / "a.jsonl").open()] == ["d1"]


def test_purge_removes_what_is_named_and_nothing_else(answers, path):
    answers("purge", path, "--failed")
    answers("purge", path, "--doc-id", "d3")

    assert [entry.request.doc_id for entry in Ledger(path, read_only=True).select()] == ["d1"]


def test_purge_wants_to_know_what(path):
    with pytest.raises(InputError, match="Say what to purge"):
        purge(Ledger(path), Purge())


def test_what_was_spent_is_still_spent_after_a_purge(path):
    ledger = Ledger(path)
    purge(ledger, Purge(model="m1"))

    assert ledger.spent == 0.5


def test_verify_finds_answers_to_another_text(answers, path, tmp_path):
    notes = tmp_path / "notes.jsonl"
    notes.write_text('{"doc_id": "d1", "text": "d1"}\n{"doc_id": "d3", "text": "edited"}\n')

    _, sound, _ = answers("verify", path)
    _, _, error = answers("verify", path, "--notes", notes)

    assert "is sound" in sound
    assert str(error) == f"{path}: 1 problems\nd3 (m2): the answer was given for another text of this note"


def test_verify_finds_rows_that_contradict_themselves(path):
    ledger = Ledger(path)
    ledger.query("UPDATE answers SET answer = NULL WHERE doc_id = 'd1'")
    ledger.query(f"UPDATE answers SET key = '{recorded_key('0' * 64)}' WHERE doc_id = 'd3'")

    assert sorted(verify(ledger)) == ["d1 (m1): answered, but no answer", "d3 (m2): the key is that of another note"]


def test_a_damaged_file_is_said_to_be_damaged(answers, path):
    data = bytearray(path.read_bytes())
    data[4096 * 2 : 4096 * 2 + 400] = b"\xff" * 400
    path.write_bytes(data)

    _, _, error = answers("verify", path)

    assert isinstance(error, InputError)
    assert "the file is damaged" in str(error)


def test_a_ledger_that_is_not_there_is_named(answers, tmp_path):
    _, _, error = answers("stats", tmp_path / "none.sqlite")

    assert isinstance(error, InputError)
    assert "none.sqlite: no such file" in str(error)
    assert not (tmp_path / "none.sqlite").exists()
