"""The ledger: what is written stays, claims end with their owner, files of answers come in and go out."""

import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clinical_distilled.answers.entries import Entry, Reply, Request, Status, recorded_key, request_key
from clinical_distilled.answers.ledger import ConflictError, Ledger
from clinical_distilled.answers.ledger_files import export_answers, import_answers
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256

NOTE = text_sha256("a note")


def request(name: str = "k", doc_id: str = "d1") -> Request:
    return Request(key=name, doc_id=doc_id, note_sha256=NOTE, prompt_sha256=text_sha256("p"), model="m")


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.close()


def test_an_answer_survives_closing_and_costs_are_summed(ledger):
    reply = Reply(answer="1. pain", tokens_in=10, tokens_out=4, price=0.5, attempts=2, discarded=("x",))

    claim = ledger.claim(request())
    ledger.settle(request(), reply, Status.ANSWERED)
    ledger.close()

    entry = Ledger(ledger.path, read_only=True).get("k")
    assert claim.mine
    assert entry.reply == reply
    assert entry.request == request()
    assert entry.status is Status.ANSWERED
    assert ledger.spent == 0.5


def test_every_part_of_a_request_is_in_its_key():
    base = ("prompt", "model", {"temperature": 0}, "task.v1", 0)
    others = [
        ("Prompt", *base[1:]),
        ("prompt", "other", *base[2:]),
        ("prompt", "model", {"temperature": 1}, "task.v1", 0),
        ("prompt", "model", {"temperature": 0}, "task.v2", 0),
        (*base[:4], 1),
    ]

    keys = {request_key(*each) for each in [base, *others]}

    assert len(keys) == 6
    assert request_key("p", "m", {"a": 1, "b": 2}, "t") == request_key("p", "m", {"b": 2, "a": 1}, "t")


def test_the_file_is_only_the_users(ledger):
    ledger.claim(request())

    modes = {stat.S_IMODE(path.stat().st_mode) for path in ledger.path.parent.iterdir()}

    assert modes == {0o600}


def test_no_note_or_prompt_text_is_in_the_file(ledger):
    ledger.claim(
        Request(key=request_key("SECRETPROMPT", "m", {}, "t"), doc_id="d", note_sha256=text_sha256("SECRETNOTE"))
    )
    ledger.close()

    assert b"SECRET" not in ledger.path.read_bytes()


@pytest.mark.parametrize("status", [Status.ANSWERED, Status.FAILED])
def test_what_is_done_is_not_claimed_again(ledger, status):
    ledger.claim(request())
    ledger.settle(request(), Reply(answer="x"), status)

    claim = ledger.claim(request())

    assert not claim.mine
    assert claim.entry.status is status


def test_what_failed_for_a_passing_reason_is_claimed_again_with_what_was_paid(ledger):
    ledger.claim(request())
    ledger.settle(request(), Reply(attempts=8, error="timeout"), Status.OPEN)

    claim = ledger.claim(request())

    assert claim.mine
    assert claim.entry.reply.attempts == 8


def test_a_request_being_asked_is_not_claimed_twice_even_by_its_owner(ledger):
    ledger.claim(request())

    assert not ledger.claim(request()).mine
    assert not Ledger(ledger.path).claim(request()).mine


def test_a_released_claim_is_free(ledger):
    ledger.claim(request())
    ledger.release(request())

    assert ledger.claim(request()).mine


def test_a_follow_up_takes_an_answered_request_and_gives_it_back_unharmed(ledger):
    ledger.claim(request())
    ledger.settle(request(), Reply(answer="cut off", complete=False), Status.ANSWERED)

    claim = ledger.claim(request(), again=True)
    ledger.release(request())

    assert claim.mine
    assert claim.entry.reply.answer == "cut off"
    assert ledger.get("k").status is Status.ANSWERED


def test_a_claim_ends_with_a_killed_process(ledger):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from clinical_distilled.answers.ledger import Ledger; from clinical_distilled.answers.entries import Request\n"
        f"ledger = Ledger(Path(sys.argv[1])); ledger.claim(Request('k', 'd1', {NOTE!r}))\n"
        "print('claimed', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(ledger.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        while_alive = ledger.claim(request()).mine
        process.kill()
        process.wait()

    assert not while_alive
    assert ledger.claim(request()).mine
    assert len(list(ledger.path.parent.glob(".*.lock"))) == 1  # ours; the dead one's is swept up


def test_a_batch_jobs_claim_outlives_the_process(ledger):
    ledger.claim(request(), owner="batch:b1")
    ledger.close()

    claim = Ledger(ledger.path).claim(request())

    assert not claim.mine
    assert claim.entry.owner == "batch:b1"


def test_purged_answers_are_gone_from_the_bytes_on_disk(ledger):
    for number in range(50):
        ledger.claim(request(str(number), f"d{number % 2}"))
        ledger.settle(request(str(number)), Reply(answer="MELANOMA" * 100), Status.ANSWERED)

    removed = ledger.delete("doc_id = ?", ["d1"]) + ledger.delete("doc_id = ?", ["d0"])

    assert removed == 50
    assert all(b"MELANOMA" not in path.read_bytes() for path in ledger.path.parent.iterdir())


def test_a_forked_worker_leaves_its_parents_claim_alone(ledger):
    ledger.claim(request())

    pid = os.fork()
    if not pid:
        mine = ledger.claim(request()).mine
        ledger.close()
        os._exit(int(mine))

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not Ledger(ledger.path).claim(request()).mine


def test_another_kind_of_file_is_refused_by_name(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at" * 50)

    with pytest.raises(InputError, match=r"notes\.txt: cannot be used as a ledger"):
        Ledger(path).get("k")


def test_a_ledger_of_a_later_version_is_refused(ledger):
    ledger.query("PRAGMA user_version = 99")
    ledger.close()

    with pytest.raises(InputError, match="version 1"):
        Ledger(ledger.path).get("k")


def test_a_read_only_ledger_must_exist(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Ledger(tmp_path / "none.sqlite", read_only=True).get("k")


def test_inserting_another_answer_for_a_key_changes_nothing(ledger):
    ledger.insert([Entry(request("a"), Reply(answer="x"), Status.ANSWERED)])

    with pytest.raises(ConflictError):
        ledger.insert(Entry(request(key), Reply(answer="y"), Status.ANSWERED) for key in "ba")

    assert ledger.get("b") is None


def write(path: Path, *rows: object) -> Path:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def row(doc_id="d1", text="a note", response="1. pain", **others):
    return {"doc_id": doc_id, "text_sha256": text_sha256(text), "response": response, **others}


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_recorded_answers_are_found_by_their_note(tmp_path, ledger, name):
    added = import_answers(write(tmp_path / name, row(), row("d2", "other", "")), ledger)

    assert added == 2
    assert ledger.get(recorded_key(NOTE)).reply.answer == "1. pain"
    assert import_answers(tmp_path / name, ledger) == 0


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{oops", "line 2: not JSON"),
        ({"doc_id": "d2", "response": ""}, "line 2: expected str in 'text_sha256', found NoneType"),
        ({"doc_id": 3, "text_sha256": NOTE, "response": ""}, "line 2: expected str in 'doc_id', found int"),
        ({"doc_id": "d2", "text_sha256": "abc", "response": ""}, "line 2: text_sha256 is not 64 hexadecimal"),
        (row(), r"line 2: a second answer for 'd1' \(the first is on line 1\)"),
        (row("d9", response="2. ache"), "line 2: another answer for 'd9'"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_added(tmp_path, ledger, bad, message):
    path = write(tmp_path / "answers.jsonl", row(), bad)

    with pytest.raises(InputError, match=f"answers.jsonl, {message}"):
        import_answers(path, ledger)

    assert ledger.get(recorded_key(NOTE)) is None


def test_an_export_is_an_import_elsewhere(tmp_path, ledger):
    for key, model in [("a", "m1"), ("b", "m2")]:
        asked = Request(key, f"d-{key}", NOTE, text_sha256(key), model, "task.v1", '{"seed": 1}', 2, 7)
        ledger.claim(asked)
        ledger.settle(asked, Reply(answer=f"answer {key}", tokens_out=3, attempts=1), Status.ANSWERED)

    counts = export_answers(ledger, tmp_path / "all.jsonl.gz"), export_answers(ledger, tmp_path / "m1.jsonl", "m1")
    other = Ledger(tmp_path / "other.sqlite")
    import_answers(tmp_path / "all.jsonl.gz", other)

    assert counts == (2, 1)
    assert list(other.select()) == list(ledger.select())
