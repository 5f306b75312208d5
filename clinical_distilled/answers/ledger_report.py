"""Looking after a ledger: statistics, a check of its soundness, and removing what should not be kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from clinical_distilled.answers.entries import Entry, Status, recorded_key
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.errors import InputError
from clinical_distilled.files import read_jsonl, text_sha256

_STATS = """
SELECT model, task,
  sum(status = 'answered'), sum(status = 'failed'), sum(status = 'open'), sum(status = 'asked'),
  sum(attempts), sum(tokens_in), sum(tokens_out), sum(tokens_cached), avg(seconds), sum(price)
FROM answers GROUP BY model, task ORDER BY model, task
"""
STATS_HEADER = (
    "model",
    "task",
    "answered",
    "failed",
    "open",
    "asked",
    "requests",
    "tokens in",
    "tokens out",
    "cached",
    "seconds each",
    "US dollars",
)


def stats(ledger: Ledger) -> list[tuple[str, ...]]:
    """Return a row of `STATS_HEADER` for each model and task, as text; an unknown price is ``?``."""
    return [
        (
            row[0] or "(recorded)",
            row[1] or "-",
            *map(str, row[2:10]),
            f"{row[10]:.2f}",
            "?" if row[11] is None else f"{row[11]:.4f}",
        )
        for row in ledger.query(_STATS)
    ]


@dataclass(frozen=True)
class Purge:
    """Which rows to remove: those that meet every condition given.

    Attributes
    ----------
    doc_id, model : str or None
        Of this note; of this model.
    failed : bool
        Only those without an answer, so that they are asked again.
    """

    doc_id: str | None = None
    model: str | None = None
    failed: bool = False


def purge(ledger: Ledger, which: Purge) -> int:
    """Remove rows for good, also from the free pages of the file, and return how many.

    Raises
    ------
    InputError
        If no condition is given: removing everything is deleting the file.
    """
    conditions, values = [], []
    for column, value in (("doc_id", which.doc_id), ("model", which.model)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    if which.failed:
        conditions.append("status IN ('failed', 'open')")
    if not conditions:
        raise InputError("Say what to purge: --doc-id, --model or --failed. To remove everything, delete the file.")
    return ledger.delete(" AND ".join(conditions), values)


def verify(ledger: Ledger, notes: Iterable[Path] = ()) -> list[str]:
    """Check a ledger and return what is wrong with it, one line each; nothing: it is sound.

    Parameters
    ----------
    notes
        JSON lines files of notes (``doc_id``, ``text``): an answer given for another text of a note is reported.
    """
    hashes = {str(row["doc_id"]): text_sha256(str(row["text"])) for path in notes for _, row in read_jsonl(path)}
    problems = []
    try:
        problems += [
            f"the file is damaged: {line}" for (line,) in ledger.query("PRAGMA integrity_check") if line != "ok"
        ]
        for entry in ledger.select():
            problems += _contradictions(entry, hashes)
    except sqlite3.DatabaseError as error:
        problems.append(f"the file is damaged: {error}")
    return problems


def _contradictions(entry: Entry, hashes: Mapping[str, str]) -> Iterator[str]:
    request, has_answer = entry.request, entry.reply.answer is not None
    where = f"{request.doc_id} ({request.model or 'recorded'})"
    if entry.status is not Status.ASKED and (entry.status is Status.ANSWERED) != has_answer:
        yield f"{where}: {entry.status.value}, but {'an' if has_answer else 'no'} answer"
    if request.key.startswith("note:") and request.key != recorded_key(request.note_sha256):
        yield f"{where}: the key is that of another note"
    if hashes.get(request.doc_id, request.note_sha256) != request.note_sha256:
        yield f"{where}: the answer was given for another text of this note"
