"""Estimates: by assumed rates first, by the ledger's own answers later; nothing is sent."""

import pytest
from loopback import Plan, Server

from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.chat_model import make_chat_model
from clinical_distilled.teachers.estimate import estimate, sample


def prompt(text):
    return NotePrompt.make(text, doc_id=text, note_sha256=text_sha256(text))


PROMPTS = [prompt(f"{number:04}" + "x" * 796) for number in range(10)]


def model_at(url, tmp_path, **settings):
    return make_chat_model(base_url=url, ledger=Ledger(tmp_path / "l.sqlite"), **{"model": "gpt-4o", **settings})


def test_without_answers_it_goes_by_assumed_rates_and_needs_no_server(tmp_path):
    guess = estimate(model_at("https://api.openai.com/v1", tmp_path), PROMPTS, share=0.1)

    assert (guess.requests, guess.tokens_in, guess.tokens_out) == (100, 20_000, 30_000)
    assert guess.dollars == pytest.approx(0.05 + 0.3)
    assert "100 requests to make, 0 answered already" in str(guess)
    assert "assumed rates" in str(guess)


def test_with_answers_it_goes_by_them_and_leaves_them_out(tmp_path):
    with Server(Plan(answer=lambda text: "y" * 100, tokens=len)) as server:
        model = model_at(server.url, tmp_path)
        model.prefetch(PROMPTS[:5])
        guess = estimate(model, PROMPTS, share=1.0)
        model.close()

    assert (guess.requests, guess.answered, guess.tokens_in, guess.tokens_out) == (5, 5, 4000, 500)
    assert "5 answers in the ledger" in str(guess)
    assert len(server.log.seen) == 5


def test_time_follows_concurrency_or_the_tighter_limit(tmp_path):
    free, limited = (
        estimate(model_at("http://localhost/v1", tmp_path, max_concurrency=5, requests_per_minute=rate), PROMPTS, 1.0)
        for rate in (None, 2)
    )

    assert (free.seconds, limited.seconds) == (10.0, 300.0)
    assert "about 5 minutes" in str(limited)


def test_an_unknown_price_is_said_to_be_unknown_and_a_local_server_is_free(tmp_path):
    remote = estimate(model_at("https://api.example.com/v1", tmp_path, model="x"), PROMPTS, 1.0)
    local = estimate(model_at("http://localhost/v1", tmp_path, model="x"), PROMPTS, 1.0)

    assert "unknown" in str(remote)
    assert local.dollars == 0.0


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 1526, 100_000])
def test_a_sample_is_spread_and_no_larger_than_it_should_be(count):
    positions = sample(count)

    assert len(positions) <= 200
    assert bool(positions) == (count > 0)
    assert all(position < count for position in positions)
