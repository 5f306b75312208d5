"""Ledgers to and from files of recorded answers: JSON lines, gzipped where the name ends in ``.gz``.

A line has ``doc_id``, ``text_sha256`` (of the note) and ``response``. Lines that an export wrote also have the rest of
the row, so that a live run finds them by their key; lines without are found by the note's hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clinical_distilled.answers.entries import Entry, Reply, Request, Status, recorded_key
from clinical_distilled.answers.ledger import ConflictError, Ledger
from clinical_distilled.errors import InputError
from clinical_distilled.files import read_jsonl, write_jsonl

_SHA256 = re.compile(r"[0-9a-f]{64}")
_OTHERS: dict[str, type] = {
    "model": str,
    "task": str,
    "parameters": str,
    "prompt_sha256": str,
    "sample": int,
    "characters": int,
}
_COUNTS: dict[str, type] = {
    "finish_reason": str,
    "tokens_in": int,
    "tokens_out": int,
    "tokens_cached": int,
    "attempts": int,
}


def import_answers(path: Path, ledger: Ledger) -> int:
    """Add a file's answers to a ledger and return how many were new.

    Raises
    ------
    InputError
        Names file and line: a malformed row, two answers for one ``doc_id``, or an answer other than the one
        the ledger has. Nothing is added then.
    """
    first_line: dict[str, int] = {}
    number = 0

    def entries() -> Iterator[Entry]:
        nonlocal number
        for number, row in read_jsonl(path):
            entry = _read(row, f"{path}, line {number}")
            if "key" not in row and (first := first_line.setdefault(entry.request.doc_id, number)) != number:
                raise InputError(
                    f"{path}, line {number}: a second answer for {entry.request.doc_id!r} "
                    f"(the first is on line {first}). Remove one."
                )
            yield entry

    try:
        return ledger.insert(entries())
    except ConflictError as conflict:
        raise InputError(
            f"{path}, line {number}: another answer for {conflict.doc_id!r} than "
            f"{ledger.path or 'an earlier line'} has for the same text. Decide which is right and remove the other."
        ) from None


def export_answers(ledger: Ledger, path: Path, model: str | None = None) -> int:
    """Write a ledger's answers (of one model, if given) to a file that `import_answers` reads; return how many."""
    count = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal count
        for entry in ledger.select("status = 'answered' AND (? IS NULL OR model = ?)", [model, model]):
            count += 1
            yield _write(entry)

    write_jsonl(path, rows())
    path.chmod(0o600)  # answers quote their notes
    return count


def _read(row: dict[str, Any], where: str) -> Entry:
    doc_id, sha256, response = (_field(row, name, str, where) for name in ("doc_id", "text_sha256", "response"))
    if not _SHA256.fullmatch(sha256):
        raise InputError(f"{where}: text_sha256 is not 64 hexadecimal digits.")
    key = _field(row, "key", str, where) if "key" in row else recorded_key(sha256)
    others = {name: _field(row, name, kind, where) for name, kind in _OTHERS.items() if name in row}
    counts = {name: _field(row, name, kind, where) for name, kind in _COUNTS.items() if name in row}
    request = Request(key=key, doc_id=doc_id, note_sha256=sha256, **others)
    reply = Reply(answer=response, **counts)
    return Entry(request, reply, Status.ANSWERED, time=str(row.get("time", "")))


def _field(row: dict[str, Any], name: str, kind: type, where: str) -> Any:
    value = row.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{where}: expected {kind.__name__} in {name!r}, found {type(value).__name__}.")
    return value


def _write(entry: Entry) -> dict[str, Any]:
    request, reply = entry.request, entry.reply
    row: dict[str, Any] = {"doc_id": request.doc_id, "text_sha256": request.note_sha256, "response": reply.answer}
    if request.key != recorded_key(request.note_sha256):
        row |= {"key": request.key} | {name: getattr(request, name) for name in _OTHERS}
        row |= {name: getattr(reply, name) for name in _COUNTS} | {"time": entry.time}
    return row
