"""Nothing is lost or paid for twice: real processes, real sockets, a server at its worst, SIGKILL at random."""

import json
import random
import time

from loopback import Plan, Server, random_faults
from loopback_client import start

from clinical_distilled.answers.entries import Status
from clinical_distilled.answers.ledger import Ledger

KILLS = 20
NOTES = 150


def answered(path):
    """The notes whose answer is in the ledger, whole and read."""
    if not path.exists():
        return set()
    ledger = Ledger(path, read_only=True)
    try:
        return {entry.request.doc_id for entry in ledger.select("status = 'answered' AND complete")}
    finally:
        ledger.close()


def finish(process, output):
    process.join(timeout=120)
    assert process.exitcode == 0
    return json.loads(output.read_text())


def test_a_client_killed_at_random_moments_ends_with_what_an_undisturbed_one_has(tmp_path):
    dice = random.Random(7)
    path, output = tmp_path / "ledger.sqlite", tmp_path / "answers.json"
    asked_again, progress = [], []
    with Server(Plan(fault=random_faults(seed=7, share=0.35), latency=lambda prompt: 0.2)) as server:
        for kill in range(KILLS + 1):
            known, before = answered(path), dict(server.log.seen)
            progress.append(len(known))
            process = start(server.url, path, NOTES, output)
            if kill < KILLS:
                while len(server.log.seen) == len(before) and process.is_alive():
                    time.sleep(0.01)  # until it has got going, however busy the machine
                time.sleep(dice.uniform(0.0, 0.3))
                process.kill()
                process.join()
            else:
                answers = finish(process, output)
            asked_again += [note for note in known if server.log.seen[note] != before[note]]
    with Server() as calm:
        undisturbed = finish(start(calm.url, tmp_path / "calm.sqlite", NOTES, output), output)

    assert any(0 < count < NOTES for count in progress)  # the kills did cut it up
    assert asked_again == []
    assert answers == undisturbed
    entries = list(Ledger(path, read_only=True).select())
    assert sorted(entry.request.doc_id for entry in entries) == sorted(f"note {number}" for number in range(NOTES))
    assert {entry.status for entry in entries} == {Status.ANSWERED}


def test_two_processes_on_one_ledger_lose_nothing_and_pay_nothing_twice(tmp_path):
    path, outputs = tmp_path / "ledger.sqlite", [tmp_path / "1.json", tmp_path / "2.json"]
    with Server(Plan(latency=lambda prompt: 0.1)) as server:
        both = [start(server.url, path, NOTES, output) for output in outputs]
        answers = [finish(process, output) for process, output in zip(both, outputs, strict=True)]

    assert answers[0] == answers[1]
    assert len(answers[0]) == NOTES
    assert set(server.log.seen.values()) == {1}
    assert len(server.log.seen) == NOTES
