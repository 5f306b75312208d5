"""A provider's batch API, OpenAI-style: hand requests in now, collect the answers later, for half the price.

While a job runs, its requests stay claimed in the ledger under the job's name, which also stands in the job's metadata
at the provider: whatever is killed in between, no request is handed in twice and no answer is left behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import openai

from clinical_distilled.answers.entries import Entry, Reply, Request, Status
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.owners import PARKED
from clinical_distilled.answers.prices import Price
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.chat_client import AskError, FinalError, error_of, read_completion
from clinical_distilled.teachers.chat_model import ChatModel
from clinical_distilled.teachers.guard import host_of
from clinical_distilled.teachers.limits import BudgetError, worst_case

MOST_REQUESTS = 50_000  # of one job, by OpenAI's rules
MOST_BYTES = 100_000_000
_ENDED = {"completed", "failed", "expired", "cancelled"}
_NAME = "clinical_distilled"  # of the job's name in the provider's metadata


@dataclass
class Collected:
    """What came of collecting: requests by what became of them."""

    answered: int = 0
    failed: int = 0
    given_back: int = 0  # to be asked again
    waiting: int = 0

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.answered} answered, {self.failed} failed, {self.given_back} to be asked again, "
            f"{self.waiting} still with the provider"
        )


@dataclass(frozen=True)
class _Line:
    request: Request
    json: bytes
    worst: float


def submit(model: ChatModel, prompts: Iterable[NotePrompt]) -> int:
    """Hand in every request that the ledger has no answer to, and return how many those were.

    Raises
    ------
    InputError
        If notes may not go there, the budget could be exceeded, or the server takes no batches.
    """
    model.destination.check()
    count = 0
    for number, lines in enumerate(_portions(_claimed(model, prompts))):
        try:
            _check_budget(model, lines)
            model.in_background(_hand_in(model, lines, f"{_here(model)}{model.ledger.owner}-{number}"))
        except openai.APIStatusError as error:
            _release(model.ledger, lines)
            reason = error_of(error.status_code, error.body)
            raise InputError(f"The server did not take the batch ({reason}). Nothing of it was handed in.") from None
        except openai.APIConnectionError:
            # Perhaps it was taken: the claims stay with the job's name, and collecting finds out.
            raise InputError("The connection was lost while handing in a batch. Run --batch collect first.") from None
        except BudgetError:
            _release(model.ledger, lines)
            raise
        count += len(lines)
    return count


def collect(model: ChatModel) -> Collected:
    """Bring the answers of finished jobs into the ledger, and delete their files at the provider."""
    model.destination.check()
    try:
        return model.in_background(_collect(model))
    except openai.APIError as error:
        reason = (
            error_of(error.status_code, error.body) if isinstance(error, openai.APIStatusError) else "no connection"
        )
        raise InputError(f"The batches could not be collected ({reason}). Nothing is lost; run it again.") from None


def _claimed(model: ChatModel, prompts: Iterable[NotePrompt]) -> Iterator[_Line]:
    price = model.price
    for prompt in prompts:
        request = model.request(prompt)
        if not model.ledger.claim(request).mine:
            continue
        text = model.deidentify(prompt) if model.deidentify else str(prompt)
        body = model.settings.body(prompt, [{"role": "user", "content": text}], model.settings.max_tokens)
        line = {"custom_id": request.key, "method": "POST", "url": "/v1/chat/completions", "body": body}
        worst = worst_case(price, len(text), model.settings.max_tokens) * price.batch if price else 0.0
        yield _Line(request, json.dumps(line).encode() + b"\n", worst)


def _portions(lines: Iterable[_Line]) -> Iterator[list[_Line]]:
    portion: list[_Line] = []
    size = 0
    for line in lines:
        if portion and (len(portion) == MOST_REQUESTS or size + len(line.json) > MOST_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(line)
        size += len(line.json)
    if portion:
        yield portion


def _check_budget(model: ChatModel, lines: list[_Line]) -> None:
    if model.max_cost is None:
        return
    worst = sum(line.worst for line in lines)
    spent = model.ledger.spent + _reserved(model)
    if model.price is None or spent + worst > model.max_cost:
        raise BudgetError(
            f"The batch may cost ${worst:.2f}, and ${spent:.2f} of ${model.max_cost:.2f} is spent or handed in. "
            "Nothing of it was handed in. Raise --max-cost, or lower max_tokens."
        )


def _reserved(model: ChatModel) -> float:
    if model.price is None:
        return 0.0
    waiting = model.ledger.select("status = 'asked' AND owner LIKE ?", [f"{PARKED}%"])
    room = model.settings.max_tokens
    return sum(worst_case(model.price, entry.request.characters, room) for entry in waiting) * model.price.batch


def _release(ledger: Ledger, lines: Iterable[_Line]) -> None:
    for line in lines:
        ledger.release(line.request)


async def _hand_in(model: ChatModel, lines: list[_Line], job: str) -> None:
    client = model.client.openai
    content = b"".join(line.json for line in lines)
    file = await client.files.create(file=("requests.jsonl", content, "application/jsonl"), purpose="batch")
    # From here on the claims outlive this process.
    model.ledger.hand_over((line.request for line in lines), PARKED + job)
    await client.batches.create(
        completion_window="24h",
        endpoint="/v1/chat/completions",
        input_file_id=file.id,
        metadata={_NAME: job},
    )


async def _collect(model: ChatModel) -> Collected:
    collected = Collected()
    entries = model.ledger.select("status = 'asked' AND owner LIKE ?", [f"{PARKED}{_here(model)}%"])
    waiting = {entry.owner.removeprefix(PARKED) for entry in entries}
    if not waiting:
        return collected
    async for batch in model.client.openai.batches.list(limit=100):
        job = (batch.metadata or {}).get(_NAME, "")
        if job in waiting:
            waiting.discard(job)
            await _collect_job(model, job, batch, collected)
    for job in waiting:  # never made at the provider: handing in was cut short, unless it is still under way
        unsent = _entries(model.ledger, job)
        process = job.removeprefix(_here(model)).rsplit("-", 1)[0]
        if model.ledger.is_alive(process):
            collected.waiting += len(unsent)
        else:
            collected.given_back += _give_back(model.ledger, unsent)
    return collected


async def _collect_job(model: ChatModel, job: str, batch: Any, collected: Collected) -> None:
    entries = _entries(model.ledger, job)
    if batch.status not in _ENDED:
        collected.waiting += len(entries)
        return
    client = model.client.openai
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        content = await client.files.content(file_id)
        for line in content.text.splitlines():
            _settle(model, entries, line, collected)
    collected.given_back += _give_back(model.ledger, entries)
    for file_id in filter(None, (batch.input_file_id, batch.output_file_id, batch.error_file_id)):
        await client.files.delete(file_id)


def _settle(model: ChatModel, entries: dict[str, Entry], line: str, collected: Collected) -> None:
    if not line.strip():
        return
    row = json.loads(line)
    entry = entries.pop(row.get("custom_id", ""), None)
    if entry is None:
        return
    outcome = _read(row, model.price)
    if isinstance(outcome, Reply):
        model.ledger.settle(entry.request, outcome, Status.ANSWERED)
        collected.answered += 1
    else:
        status = Status.FAILED if isinstance(outcome, FinalError) else Status.OPEN
        model.ledger.settle(entry.request, Reply(error=str(outcome), attempts=1), status)
        collected.failed += 1


def _read(row: dict[str, Any], price: Price | None) -> Reply | AskError:
    response = row.get("response") or {}
    status, body = int(response.get("status_code") or 500), response.get("body")
    if status >= 400:
        return error_of(status, body)
    try:
        completion = read_completion(body)
    except AskError as error:
        return error
    counts = completion.tokens_in, completion.tokens_out, completion.tokens_cached
    return Reply(
        completion.text,
        completion.finish_reason,
        *counts,
        attempts=1,
        price=price.of(*counts, batched=True) if price else None,
        complete=False,  # not looked at yet: the next run does, and asks on where it must
    )


def _here(model: ChatModel) -> str:
    return f"{host_of(model.destination.base_url)}/"


def _entries(ledger: Ledger, job: str) -> dict[str, Entry]:
    return {entry.request.key: entry for entry in ledger.select("status = 'asked' AND owner = ?", [PARKED + job])}


def _give_back(ledger: Ledger, entries: dict[str, Entry]) -> int:
    for entry in entries.values():
        ledger.release(entry.request)
    return len(entries)
