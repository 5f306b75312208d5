"""The chat model against a real server on the loopback interface: order, errors, re-asking, limits, privacy."""

import contextlib
import threading
import time
from concurrent.futures import CancelledError

import pytest
from loopback import Plan, Server

from clinical_distilled.answers.entries import Status
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import FailedAnswer, NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers import retry
from clinical_distilled.teachers.chat_model import make_chat_model, make_ledger


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(retry, "_BACKOFF", lambda state: 0.01)


@pytest.fixture
def models(tmp_path):
    made = []

    def make(server, name="ledger.sqlite", **settings):
        defaults = {
            "base_url": server.url,
            "model": "tiny",
            "timeout": 5.0,
            "ledger": make_ledger(str(tmp_path / name)),
        }
        made.append(make_chat_model(**{**defaults, **settings}))
        return made[-1]

    yield make
    for model in made:
        model.close()


def prompt(text, **more):
    return NotePrompt.make(text, doc_id=f"id-{text}", note_sha256=text_sha256(text), **more)


def ask(model, *prompts):
    return [answer for (answer,) in model([each] for each in prompts)]


def _until_cancelled(stream):
    with contextlib.suppress(CancelledError):
        next(stream, None)


def shout(text):
    return text.upper()


def test_answers_come_in_order_many_at_once_and_a_slow_one_holds_nobody(models):
    names = [f"n{number}" for number in range(100)]
    plan = Plan(answer=shout, latency=lambda text: 0.05, hold=lambda log, text: text == "n0" and len(log.answered) < 99)
    with Server(plan) as server:
        answers = ask(models(server, max_concurrency=8), *map(prompt, names))

    assert answers == [name.upper() for name in names]
    assert server.log.answered[-1] == "n0"
    assert server.log.most_at_once == 8


def test_a_second_run_asks_nothing(models):
    with Server(Plan(answer=shout)) as server:
        first = ask(models(server), prompt("a"), prompt("b"))
        second = ask(models(server), prompt("b"), prompt("a"), prompt("c"))

    assert (first, second) == (["A", "B"], ["B", "A", "C"])
    assert server.log.seen == {"a": 1, "b": 1, "c": 1}


def test_the_same_prompt_twice_in_a_run_is_asked_once(models):
    with Server(Plan(answer=shout, latency=lambda text: 0.05)) as server:
        assert ask(models(server), prompt("a"), prompt("a")) == ["A", "A"]

    assert server.log.seen == {"a": 1}


def test_samples_of_a_prompt_are_asked_each_with_its_seed(models):
    with Server() as server:
        [answers] = models(server, seed=7)([[prompt("a", sample=number) for number in range(3)]])

    assert len(list(answers)) == 3
    assert sorted(request["seed"] for request in server.log.requests) == [7, 8, 9]


def test_prefetched_answers_are_all_in_the_ledger(models):
    landed = []
    with Server(Plan(answer=shout)) as server:
        model = models(server)
        model.prefetch(map(prompt, "abc"), landed.append)
    answers = ask(model, *map(prompt, "abc"))  # the server is gone

    assert sorted(landed) == answers == ["A", "B", "C"]


@pytest.mark.parametrize("fault", ["429", "500", "503", "408:x", "409:x", "reset", "malformed", "empty", "half"])
def test_a_passing_fault_is_tried_again(models, fault):
    with Server(Plan(answer=shout, fault=lambda text, nth: fault if nth < 2 else "")) as server:
        model = models(server)
        answers = ask(model, prompt("a"))

    assert answers == ["A"]
    assert model.ledger.get(model.request(prompt("a")).key).reply.attempts == 3


def test_a_hanging_request_is_given_up_and_tried_again(models):
    with Server(Plan(answer=shout, fault=lambda text, nth: "" if nth else "hang")) as server:
        assert ask(models(server, timeout=0.3), prompt("a")) == ["A"]


def test_retry_after_is_honoured(models):
    with Server(Plan(answer=shout, fault=lambda text, nth: "" if nth else "429")) as server:
        started = time.perf_counter()
        ask(models(server), prompt("a"))

    assert time.perf_counter() - started >= 0.05


@pytest.mark.parametrize("code", ["400:context_length_exceeded", "422:bad", "400:content_filter"])
def test_a_final_error_fails_that_note_only_and_is_not_asked_again(models, code):
    with Server(Plan(answer=shout, fault=lambda text, nth: code if text == "b" else "")) as server:
        first = ask(models(server), *map(prompt, "abc"))
        second = ask(models(server), *map(prompt, "abc"))

    assert first == second == ["A", "", "C"]
    assert isinstance(first[1], FailedAnswer)
    assert first[1].error == f"HTTP {code.replace(':', ' ')}"
    assert server.log.seen["b"] == 1


@pytest.mark.parametrize("code", ["401:invalid_api_key", "404:model_not_found", "429:insufficient_quota"])
def test_an_error_of_access_is_not_tried_again_until_the_next_run(models, code):
    with Server(Plan(answer=shout, fault=lambda text, nth: "" if nth else code)) as server:
        first = models(server)
        failed = ask(first, prompt("a"))
        again_in_this_run = ask(first, prompt("a"))
        later = ask(models(server), prompt("a"))

    assert failed == again_in_this_run == [""]
    assert failed[0].error == f"HTTP {code.replace(':', ' ')}"
    assert later == ["A"]


def test_an_error_never_repeats_what_the_server_said_about_the_note(models):
    with Server(Plan(fault=lambda text, nth: "400:Patient Jane Doe, born 1.1.1950, has melanoma!")) as server:
        model = models(server)
        [answer] = ask(model, prompt("Jane Doe"))

    assert answer.error == "HTTP 400 a_type"


def test_a_content_filter_fails_that_note(models):
    with Server(Plan(fault=lambda text, nth: "content_filter")) as server:
        [answer] = ask(models(server), prompt("a"))

    assert answer.error == "content filter"


def test_attempts_are_limited_and_counted(models):
    with Server(Plan(fault=lambda text, nth: "500")) as server:
        model = models(server, max_attempts=3)
        [answer] = ask(model, prompt("a"))

    entry = model.ledger.get(model.request(prompt("a")).key)
    assert answer.error == "HTTP 500 a_type"
    assert (entry.status, entry.reply.attempts, server.log.seen["a"]) == (Status.OPEN, 3, 3)


def test_a_server_that_fails_everything_stops_the_run(models):
    message = "50 requests in a row failed, the last with: HTTP 401 invalid_api_key"
    plan = Plan(fault=lambda text, nth: "401:invalid_api_key")
    with Server(plan) as server, pytest.raises(InputError, match=message):
        models(server).prefetch(prompt(f"n{number}") for number in range(2000))

    assert len(server.log.seen) < 200


def test_an_answer_cut_off_is_asked_once_more_with_more_room(models):
    with Server(Plan(answer=shout, fault=lambda text, nth: "" if nth else "truncated")) as server:
        model = models(server, max_tokens=100)
        answers = ask(model, prompt("abcdef"))

    entry = model.ledger.get(model.request(prompt("abcdef")).key)
    assert answers == ["ABCDEF"]
    assert [request["max_tokens"] for request in server.log.requests] == [100, 200]
    assert entry.reply.discarded == ("ABC",)
    assert entry.reply.complete


def test_an_answer_always_cut_off_is_asked_twice_in_all_and_kept(models):
    with Server(Plan(answer=shout, fault=lambda text, nth: "truncated")) as server:
        first = ask(models(server), prompt("abcdef"))
        second = ask(models(server), prompt("abcdef"))

    assert first == second == ["ABC"]
    assert server.log.seen["abcdef"] == 2


def test_an_answer_that_cannot_be_read_is_asked_once_more_with_what_is_wrong(models):
    check = lambda answer: None if answer == "GOOD" else "no list"  # noqa: E731
    answers = iter(["bad", "GOOD"])
    with Server(Plan(answer=lambda text: next(answers))) as server:
        model = models(server)
        got = ask(model, prompt("a", check=check))

    repair = server.log.requests[1]["messages"]
    assert got == ["GOOD"]
    assert [message["role"] for message in repair] == ["user", "assistant", "user"]
    assert "no list" in repair[-1]["content"]
    assert model.ledger.get(model.request(prompt("a")).key).reply.discarded == ("bad",)


def test_a_format_may_allow_an_empty_answer(models):
    with Server(Plan(answer=lambda text: "")) as server:
        answers = ask(models(server), prompt("a", check=lambda answer: None))

    assert answers == [""]
    assert not isinstance(answers[0], FailedAnswer)
    assert server.log.seen["a"] == 1


def test_the_first_answer_is_kept_if_killed_before_the_second(models, tmp_path):
    with Server(Plan(answer=shout)) as server:
        model = models(server)
        request = model.request(prompt("abcdef"))
        with Server(Plan(answer=shout, fault=lambda text, nth: "hang" if nth else "truncated")) as half_way:
            stopped = models(half_way, timeout=60.0)
            stream = iter(stopped([[prompt("abcdef")]]))
            threading.Thread(target=_until_cancelled, args=(stream,), daemon=True).start()
            while (entry := model.ledger.get(request.key)) is None or entry.reply.answer is None:
                time.sleep(0.01)
            stopped.close()
        answers = ask(model, prompt("abcdef"))

    assert answers == ["ABCDEF"]
    assert server.log.requests[0]["max_tokens"] == 4096  # only the follow-up was left to ask


def test_a_schema_goes_to_the_server_and_into_the_key(models):
    schema = {"type": "object"}
    with Server() as server:
        model, plain = models(server), models(server, structured=False)
        ask(model, prompt("a", schema=schema))
        ask(plain, prompt("a", schema=schema))

    formats = [request.get("response_format") for request in server.log.requests]
    assert formats == [
        {"type": "json_schema", "json_schema": {"name": "mentions", "strict": True, "schema": schema}},
        None,
    ]


def test_settings_that_are_none_are_left_to_the_server(models):
    with Server() as server:
        settings = {"temperature": None, "seed": None, "max_tokens_name": "max_completion_tokens"}
        ask(models(server, **settings, extra={"reasoning_effort": "low"}), prompt("a"))

    assert set(server.log.requests[0]) == {"model", "messages", "max_completion_tokens", "reasoning_effort"}


def test_tokens_time_and_price_are_in_the_ledger(models, tmp_path):
    table = tmp_path / "prices.json"
    table.write_text('{"tiny": {"input": 1000000, "output": 10}}')
    with Server(Plan(answer=lambda text: "y" * 40)) as server:
        model = models(server, prices=str(table))
        ask(model, prompt("x" * 80))

    reply = model.ledger.get(model.request(prompt("x" * 80)).key).reply
    assert (reply.tokens_in, reply.tokens_out) == (20, 10)
    assert reply.price == pytest.approx(20 + 10 * 10 / 1_000_000)
    assert reply.seconds > 0
    assert model.ledger.spent == reply.price


def test_a_budget_stops_before_the_request_that_would_exceed_it_and_goes_on_later(models, tmp_path):
    table = tmp_path / "prices.json"
    table.write_text('{"tiny": {"input": 1000, "output": 1000}}')  # a cent for ten tokens
    names = [f"{number:05}" + "x" * 195 for number in range(50)]
    settings = {"prices": str(table), "max_tokens": 100, "max_concurrency": 4}
    with Server(Plan(answer=lambda text: "y" * 200)) as server:
        model = models(server, **settings)
        model.max_cost = 2.0
        with pytest.raises(InputError, match=r"budget of \$2\.00 is reached"):
            model.prefetch(map(prompt, names))
        asked, spent = len(server.log.answered), model.ledger.spent
        model.close()
        model = models(server, **settings)
        model.max_cost = 100.0
        model.prefetch(map(prompt, names))

    assert 1.6 < spent <= 2.0  # a request costs 0.1, at worst 0.3
    assert asked == round(spent / 0.1)
    assert sorted(server.log.answered) == names
    assert max(server.log.seen.values()) == 1


def test_a_budget_needs_a_price(models):
    with Server() as server:
        model = models(server, allow_remote=True, base_url="https://example.com/v1", model="unheard-of")
        model.max_cost = 1.0
        with pytest.raises(InputError, match=r"price of unheard-of is not known"):
            list(model([[prompt("a")]]))


def test_requests_a_minute_are_limited(models):
    with Server() as server:
        started = time.perf_counter()
        models(server, requests_per_minute=600).prefetch(prompt(f"n{number}") for number in range(16))

    assert time.perf_counter() - started >= 0.5  # ten at once, then ten a second


def test_nothing_is_needed_or_opened_until_the_first_prompt(models, tmp_path, monkeypatch):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    ledger = make_ledger(str(tmp_path / "new.sqlite"))
    model = make_chat_model(
        base_url="https://api.example.com/v1", model="m", ledger=ledger, api_key_env="NO_SUCH_KEY", allow_remote=True
    )

    assert not (tmp_path / "new.sqlite").exists()
    with pytest.raises(InputError, match="environment variable NO_SUCH_KEY is not set"):
        list(model([[prompt("a")]]))


def test_the_key_comes_from_the_named_variable_and_is_nowhere_in_the_ledger(models, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-verysecret")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    with Server() as server:
        model = models(server, api_key_env="MY_KEY")
        ask(model, prompt("a"))
        model.close()

    [headers] = server.log.headers
    assert headers["authorization"] == "bearer sk-verysecret"  # the server lowers its headers
    assert "openai-organization" not in headers
    assert b"verysecret" not in (tmp_path / "ledger.sqlite").read_bytes()


def test_a_remote_host_is_refused_before_anything_is_sent(models):
    with Server() as server:
        model = models(server, base_url="https://api.example.com/v1")
        with pytest.raises(InputError, match=r"sent to api\.example\.com"):
            list(model([[prompt("a")]]))
        with pytest.raises(InputError, match=r"sent to api\.example\.com"):
            model.prefetch([prompt("a")])


def test_a_redirect_is_refused_and_stops_the_run(models):
    message = r"127\.0\.0\.1 redirects to another address"
    with Server() as elsewhere:
        plan = Plan(location=f"{elsewhere.url}/chat/completions")
        with Server(plan) as server, pytest.raises(InputError, match=message):
            ask(models(server), prompt("a"))

    assert not elsewhere.log.paths


def test_proxies_of_the_environment_are_not_used(models, monkeypatch):
    with Server() as proxy, Server(Plan(answer=shout)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answers = ask(models(server), prompt("a"))

    assert answers == ["A"]
    assert not proxy.log.paths


def test_an_error_in_rendering_ends_the_run_and_keeps_what_was_asked(models):
    def prompts():
        yield from map(prompt, "abc")
        raise InputError("template broken")

    with Server(Plan(answer=shout)) as server:
        model = models(server)
        with pytest.raises(InputError, match="template broken"):
            model.prefetch(prompts())

    assert ask(model, *map(prompt, "abc")) == ["A", "B", "C"]


def test_a_batch_jobs_requests_are_not_asked_live(models):
    with Server() as server:
        model = models(server)
        model.ledger.claim(model.request(prompt("a")), owner="batch:1")
        [answer] = ask(model, prompt("a"))

    assert "batch job" in answer.error
    assert not server.log.seen


def test_two_models_on_one_ledger_share_the_work(tmp_path):
    names = [f"n{number}" for number in range(60)]
    with Server(Plan(answer=shout, latency=lambda text: 0.02)) as server:
        two = [
            make_chat_model(base_url=server.url, model="tiny", ledger=Ledger(tmp_path / "l.sqlite"), max_concurrency=4)
            for _ in range(2)
        ]
        answers = [None, None]

        def run(number):
            answers[number] = ask(two[number], *map(prompt, names))

        threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for model in two:
            model.close()

    assert answers[0] == answers[1] == [name.upper() for name in names]
    assert max(server.log.seen.values()) == 1
