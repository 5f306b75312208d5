"""What a teacher will cost: tokens, dollars and time, reckoned from a sample of the notes before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinical_distilled.answers.entries import Status
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.teachers.chat_model import ChatModel

SAMPLE = 200  # notes
# Where the ledger has no answer of this model to go by:
_CHARACTERS_PER_TOKEN = 4.0
_ANSWER_TOKENS = 300.0  # what the recorded guided answers take on average
_SECONDS = 5.0


@dataclass(frozen=True)
class Rates:
    """What a request takes: prompt characters to a token, tokens of an answer, seconds."""

    characters_per_token: float = _CHARACTERS_PER_TOKEN
    answer_tokens: float = _ANSWER_TOKENS
    seconds: float = _SECONDS
    answers: int = 0  # that this was learned from; 0: assumed


@dataclass(frozen=True)
class Estimate:
    """The requests still to be made, and what they will take.

    Attributes
    ----------
    answered : int
        Requests the ledger has answers to already.
    dollars : float or None
        None: the model's price is not known.
    """

    requests: int
    answered: int
    tokens_in: int
    tokens_out: int
    dollars: float | None
    seconds: float
    rates: Rates

    def __str__(self) -> str:
        """One line for each thing a user decides by."""
        price = "unknown (name a price table)" if self.dollars is None else f"${self.dollars:,.2f}"
        basis = f"{self.rates.answers} answers in the ledger" if self.rates.answers else "assumed rates"
        return (
            f"{self.requests:,} requests to make, {self.answered:,} answered already\n"
            f"tokens: {self.tokens_in:,} in, {self.tokens_out:,} out ({basis})\n"
            f"cost:   {price}\n"
            f"time:   {_duration(self.seconds)}"
        )


def sample(count: int) -> range:
    """Return the positions of a sample of `count` notes, evenly spread."""
    return range(0, count, max(1, -(-count // SAMPLE)))


def estimate(model: ChatModel, prompts: Sequence[NotePrompt], share: float) -> Estimate:
    """Reckon what a model's requests will take.

    Parameters
    ----------
    prompts
        Those of a sample of the notes.
    share
        Which share of all notes the sample is, above 0.
    """
    rates = learned(model)
    entries = [model.ledger.get(model.request(prompt).key) for prompt in prompts]
    done = [entry is not None and entry.status in {Status.ANSWERED, Status.FAILED} for entry in entries]
    open_ = [prompt for prompt, is_done in zip(prompts, done, strict=True) if not is_done]
    requests = round(len(open_) / share)
    tokens_in = round(sum(map(len, open_)) / rates.characters_per_token / share)
    tokens_out = round(requests * min(rates.answer_tokens, model.settings.max_tokens))
    price = model.price
    return Estimate(
        requests,
        round(sum(done) / share),
        tokens_in,
        tokens_out,
        None if price is None else price.of(tokens_in, tokens_out),
        _seconds(model, requests, tokens_in + tokens_out, rates.seconds),
        rates,
    )


def learned(model: ChatModel) -> Rates:
    """Return the rates of a model by its answers in the ledger, assumed ones where there are none."""
    sql = (
        "SELECT count(*), sum(characters), sum(tokens_in), sum(tokens_out), sum(seconds) FROM answers "
        "WHERE status = 'answered' AND model = ? AND tokens_in > 0 AND characters > 0 AND attempts = 1"
    )
    [(count, characters, tokens_in, tokens_out, seconds)] = model.ledger.query(sql, [model.settings.model])
    if not count:
        return Rates()
    return Rates(characters / tokens_in, tokens_out / count, seconds / count, count)


def _seconds(model: ChatModel, requests: int, tokens: int, seconds: float) -> float:
    settings = model.settings
    slowest = [requests * seconds / settings.max_concurrency]
    if settings.requests_per_minute:
        slowest.append(requests / settings.requests_per_minute * 60)
    if settings.tokens_per_minute:
        slowest.append(tokens / settings.tokens_per_minute * 60)
    return max(slowest)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {seconds:.0f} seconds"
    return f"about {seconds / 60:.0f} minutes" if seconds < 5400 else f"about {seconds / 3600:.1f} hours"
