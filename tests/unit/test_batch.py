"""Batch jobs: handed in once, collected once, whatever is killed in between."""

import pytest
from loopback import Plan, Server

from clinical_distilled.answers.entries import Status
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import FailedAnswer, NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers import batch
from clinical_distilled.teachers.chat_model import make_chat_model


@pytest.fixture
def models(tmp_path):
    made = []

    def make(server, **settings):
        defaults = {"base_url": server.url, "model": "gpt-4o", "ledger": Ledger(tmp_path / "ledger.sqlite")}
        made.append(make_chat_model(**{**defaults, **settings}))
        return made[-1]

    yield make
    for model in made:
        model.close()


def prompt(text):
    return NotePrompt.make(text, doc_id=f"id-{text}", note_sha256=text_sha256(text))


def shout(text):
    return text.upper()


def test_a_job_is_handed_in_by_one_process_and_collected_by_another(models):
    with Server(Plan(answer=shout)) as server:
        first = models(server)
        handed_in = batch.submit(first, map(prompt, "abc"))
        first.close()
        second = models(server)
        early = batch.collect(second)
        server.finish_batches()
        late = batch.collect(second)
        answers = [list(of_one) for of_one in second([[prompt(name)] for name in "abc"])]

    assert (handed_in, early.waiting, late.answered, late.waiting) == (3, 3, 3, 0)
    assert answers == [["A"], ["B"], ["C"]]
    assert server.log.seen == {"a": 1, "b": 1, "c": 1}  # by the batch, nothing live


def test_what_is_handed_in_is_not_handed_in_again(models):
    with Server() as server:
        counts = [batch.submit(models(server), map(prompt, names)) for names in ("ab", "abc", "abc")]

    assert counts == [2, 1, 0]


def test_a_batch_costs_its_share_and_the_providers_files_are_deleted(models):
    with Server(Plan(answer=lambda text: "y" * 4000, tokens=len)) as server:
        model = models(server)
        batch.submit(model, [prompt("x" * 1000)])
        server.finish_batches()
        batch.collect(model)

    assert model.ledger.spent == pytest.approx((1000 * 2.5 + 4000 * 10) / 1_000_000 / 2)
    assert not server.files


def test_lines_that_failed_are_final_or_asked_again(models):
    faults = {"b": "400:context_length_exceeded", "c": "500:oops", "d": "content_filter"}
    with Server(Plan(answer=shout, fault=lambda text, nth: "" if nth else faults.get(text, ""))) as server:
        model = models(server)
        batch.submit(model, map(prompt, "abcd"))
        server.finish_batches()
        collected = batch.collect(model)
        statuses = [model.ledger.get(model.request(prompt(name)).key).status for name in "abcd"]
        [answers] = model([list(map(prompt, "abcd"))])

    assert (collected.answered, collected.failed) == (1, 3)
    assert statuses == [Status.ANSWERED, Status.FAILED, Status.OPEN, Status.FAILED]
    assert answers == ["A", "", "C", ""]
    assert isinstance(answers[1], FailedAnswer)


def test_an_answer_of_a_batch_that_was_cut_off_is_followed_up_live(models):
    with Server(Plan(answer=shout, fault=lambda text, nth: "" if nth else "truncated")) as server:
        model = models(server)
        batch.submit(model, [prompt("abcdef")])
        server.finish_batches()
        batch.collect(model)
        [answers] = model([[prompt("abcdef")]])

    assert answers == ["ABCDEF"]
    assert len(server.log.requests) == 1


def test_a_job_that_ends_without_all_its_answers_gives_the_rest_back(models):
    with Server() as server:
        model = models(server)
        batch.submit(model, map(prompt, "ab"))
        for job in server.batches.values():
            job["status"] = "expired"
        collected = batch.collect(model)

        assert (collected.given_back, collected.waiting) == (2, 0)
        assert batch.submit(model, map(prompt, "ab")) == 2


def test_a_job_whose_handing_in_was_cut_short_is_given_back_by_another_process(models):
    with Server() as server:
        first = models(server)
        request = first.request(prompt("a"))
        first.ledger.claim(request)
        first.ledger.hand_over([request], f"batch:127.0.0.1/{first.ledger.owner}-0")
        second = models(server)
        while_alive = batch.collect(second)
        first.close()
        after = batch.collect(second)

    assert (while_alive.waiting, after.waiting, after.given_back) == (1, 0, 1)


def test_large_jobs_are_split(models, monkeypatch):
    monkeypatch.setattr(batch, "MOST_REQUESTS", 2)
    with Server() as server:
        batch.submit(models(server), map(prompt, "abcde"))

    assert len(server.batches) == 3


def test_a_budget_holds_for_batches(models):
    with Server() as server:
        model = models(server, max_tokens=1000)  # at worst half a cent each, in a batch
        model.max_cost = 0.02
        with pytest.raises(InputError, match=r"may cost \$0\.05"):
            batch.submit(model, (prompt(f"n{number}") for number in range(10)))
        few = batch.submit(model, (prompt(f"n{number}") for number in range(3)))
        with pytest.raises(InputError, match=r"\$0\.02 of \$0\.02 is spent or handed in"):
            batch.submit(model, (prompt(f"m{number}") for number in range(3)))

    assert few == 3
    assert len(server.batches) == 1


def test_a_server_without_batches_is_said_so_and_nothing_stays_claimed(models):
    with Server() as server:
        model = models(server, base_url=server.url.replace("/v1", "/other"))
        with pytest.raises(InputError, match="did not take the batch"):
            batch.submit(model, [prompt("a")])

    assert model.ledger.get(model.request(prompt("a")).key).status is Status.OPEN


def test_a_remote_host_is_refused(models):
    with Server() as server:
        model = models(server, base_url="https://api.example.com/v1")
        for use in (lambda: batch.submit(model, [prompt("a")]), lambda: batch.collect(model)):
            with pytest.raises(InputError, match=r"sent to api\.example\.com"):
                use()
