"""The recorded model: answers that were given before, read from a ledger or a file of answers, never asked for."""

from __future__ import annotations

from collections.abc import Iterable as Iterables
from pathlib import Path
from typing import Iterable  # noqa: UP035 - spacy-llm compares these hints with typing's own

from spacy_llm.registry import registry

from clinical_distilled.answers.entries import Entry, recorded_key
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.ledger_files import import_answers
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256

_SQLITE = b"SQLite format 3\0"


class RecordedModel:
    """A spacy-llm model that looks answers up and never makes a call.

    The answer to the very prompt is taken where the ledger has one, otherwise the answer recorded for the note.

    Parameters
    ----------
    answers
        A ledger, or a file of recorded answers (JSON lines, ``.gz`` or not). Opened on first use.
    """

    def __init__(self, answers: Path) -> None:
        self.answers = answers
        self._opened: Ledger | None = None

    def __call__(self, prompts: Iterable[Iterable[NotePrompt]]) -> Iterable[Iterable[str]]:
        """Return the answers to each document's prompts.

        Raises
        ------
        InputError
            If an answer is missing, or was recorded for another text of that document; names note and file.
            Raised here, before any answer is used, so that no lazy caller can miss it.
        """
        return [[self._answer(prompt) for prompt in of_one] for of_one in prompts]

    def covers(self, note_sha256s: Iterables[str]) -> set[str]:
        """Return those of the notes, by SHA-256 of their text, that have an answer here."""
        rows = self._ledger.query("SELECT DISTINCT note_sha256 FROM answers WHERE status = 'answered'")
        return {sha256 for (sha256,) in rows} & set(note_sha256s)

    @property
    def _ledger(self) -> Ledger:
        if self._opened is None:
            self._opened = _open(self.answers)
        return self._opened

    def _answer(self, prompt: NotePrompt) -> str:
        entry = self._find(prompt)
        if entry is None:
            raise self._missing(prompt)
        return entry.reply.answer or ""

    def _find(self, prompt: NotePrompt) -> Entry | None:
        where = "prompt_sha256 = ? AND sample = ? AND status = 'answered'"
        to_prompt = list(self._ledger.select(where, [text_sha256(prompt), prompt.sample]))
        if len({entry.reply.answer for entry in to_prompt}) > 1:
            raise InputError(
                f"{self.answers}: several answers to the prompt of {prompt.doc_id!r}, "
                "from different models or settings. Export those of one (`answers export --model`) and name that file."
            )
        return to_prompt[0] if to_prompt else self._ledger.get(recorded_key(prompt.note_sha256))

    def _missing(self, prompt: NotePrompt) -> InputError:
        others = self._ledger.select("doc_id = ? AND status = 'answered'", [prompt.doc_id])
        if any(entry.request.note_sha256 != prompt.note_sha256 for entry in others):
            return InputError(
                f"{self.answers}: the answer for {prompt.doc_id!r} was recorded for another text "
                "(its SHA-256 differs). Restore the note as it was, or record its answer anew."
            )
        return InputError(
            f"{self.answers}: no answer for {prompt.doc_id!r}, and a recorded teacher never asks. "
            "Leave the note or this teacher out, or use a live teacher (docs/teachers.md)."
        )


@registry.llm_models("clinical.Recorded.v1")
def make_recorded(answers: str) -> RecordedModel:
    """Return the model that reads recorded answers from the file `answers`."""
    return RecordedModel(Path(answers))


def _open(path: Path) -> Ledger:
    if path.is_file() and _magic(path) == _SQLITE:
        return Ledger(path, read_only=True)
    ledger = Ledger()
    import_answers(path, ledger)
    return ledger


def _magic(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(len(_SQLITE))
