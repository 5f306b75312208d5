"""A client of the loopback server that runs in a process of its own, to be killed: forked from one that is warm."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers import retry
from clinical_distilled.teachers.chat_model import make_chat_model


def check(answer: str) -> str | None:
    """Say whether the answer is a whole one of the loopback server's."""
    return None if answer.startswith("answer ") and len(answer) == 19 else "not an answer"


def run(url: str, ledger: Path, count: int, output: Path) -> None:
    """Ask about `count` notes, as `teach` does, and write the answers as JSON."""
    retry._BACKOFF = lambda state: 0.02
    settings = {"max_concurrency": 8, "timeout": 0.5, "max_attempts": 12}
    model = make_chat_model(base_url=url, model="m", ledger=Ledger(ledger), **settings)
    texts = [f"note {number}" for number in range(count)]
    prompts = [NotePrompt.make(text, doc_id=text, note_sha256=text_sha256(text), check=check) for text in texts]
    model.prefetch(prompts)
    answers = [next(iter(of_one)) for of_one in model([prompt] for prompt in prompts)]
    model.close()
    output.write_text(json.dumps(answers))


def start(url: str, ledger: Path, count: int, output: Path) -> multiprocessing.Process:
    """Start `run` in a new process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["clinical_distilled.teachers.chat_model"])  # what takes long to import
    process = context.Process(target=run, args=(url, ledger, count, output))
    process.start()
    return process
