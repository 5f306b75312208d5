"""What a ledger holds: requests, replies, their rows, and the keys by which they are found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.files import text_sha256


class Status(str, Enum):
    """How far a request is."""

    ASKED = "asked"  # claimed by a live process or a batch job, or left behind by a dead one
    ANSWERED = "answered"
    FAILED = "failed"  # will fail again: not asked again
    OPEN = "open"  # failed for a passing reason: asked again by the next run


@dataclass(frozen=True)
class Request:
    """What is asked of a model. Hashes are hexadecimal SHA-256 of UTF-8 text.

    Attributes
    ----------
    parameters : str
        What else decides the answer (temperature, seed, ...), as JSON with sorted keys.
    sample : int
        Which of several answers to the same prompt.
    characters : int
        Length of the prompt: with the tokens it took, what an estimate goes by.
    """

    key: str
    doc_id: str
    note_sha256: str
    prompt_sha256: str = ""
    model: str = ""
    task: str = ""
    parameters: str = "{}"
    sample: int = 0
    characters: int = 0


@dataclass(frozen=True)
class Reply:
    """What came back. Tokens, seconds, price (US dollars) and attempts count every request sent for it.

    Attributes
    ----------
    discarded : tuple of str
        Raw answers this one replaces: cut off, or not readable.
    complete : bool
        False while an answer that was cut off or cannot be read waits for the one further request it gets.
    """

    answer: str | None = None
    finish_reason: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    seconds: float = 0.0
    attempts: int = 0
    price: float | None = None
    error: str = ""
    discarded: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class Entry:
    """A row of the ledger."""

    request: Request
    reply: Reply
    status: Status
    owner: str = ""
    time: str = ""


REQUEST_COLUMNS = tuple(field.name for field in fields(Request))
REPLY_COLUMNS = tuple(field.name for field in fields(Reply))
COLUMNS = (*REQUEST_COLUMNS, *REPLY_COLUMNS, "status", "owner", "time")


def request_key(prompt: str, model: str, parameters: Mapping[str, Any], task: str, sample: int = 0) -> str:
    """Return the key of a request: SHA-256 over the rendered prompt and everything else that decides its answer."""
    what = [prompt, model, dict(parameters), task, sample]
    return text_sha256(json.dumps(what, sort_keys=True, ensure_ascii=True))


def request_for(prompt: NotePrompt, model: str, parameters: Mapping[str, Any]) -> Request:
    """Return the request that a prompt is, of a model with these parameters."""
    return Request(
        key=request_key(prompt, model, parameters, prompt.task, prompt.sample),
        doc_id=prompt.doc_id,
        note_sha256=prompt.note_sha256,
        prompt_sha256=text_sha256(prompt),
        model=model,
        task=prompt.task,
        parameters=json.dumps(parameters, sort_keys=True),
        sample=prompt.sample,
        characters=len(prompt),
    )


def recorded_key(note_sha256: str) -> str:
    """Return the key of an answer recorded for a note, whatever its prompt was."""
    return f"note:{note_sha256}"


def reply_values(reply: Reply) -> list[Any]:
    """Return a reply as the values of its columns."""
    values = [getattr(reply, name) for name in REPLY_COLUMNS]
    values[REPLY_COLUMNS.index("discarded")] = json.dumps(reply.discarded, ensure_ascii=False)
    return values


def to_row(entry: Entry) -> tuple[Any, ...]:
    """Return an entry as a row of the table."""
    request = [getattr(entry.request, name) for name in REQUEST_COLUMNS]
    return (*request, *reply_values(entry.reply), entry.status.value, entry.owner, entry.time)


def from_row(row: tuple[Any, ...]) -> Entry:
    """Return a row of the table as an entry."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["discarded"] = tuple(json.loads(values["discarded"]))
    values["complete"] = bool(values["complete"])
    request = Request(**{name: values[name] for name in REQUEST_COLUMNS})
    reply = Reply(**{name: values[name] for name in REPLY_COLUMNS})
    return Entry(request, reply, Status(values["status"]), values["owner"], values["time"])


def now() -> str:
    """Return the time in UTC, to the second, in ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
