"""What passes between a task and a model: a prompt that knows its note, and an answer that failed.

Both are plain strings to spacy-llm, which hands prompts from the task to the model and answers back; what else
is known travels as attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class NotePrompt(str):
    """A rendered prompt, and what a model needs to know of it beside its text.

    Attributes
    ----------
    doc_id : str
        The note the prompt is about (for messages).
    note_sha256 : str
        SHA-256 of the whole note's UTF-8 text, also where the prompt shows only a window of it.
    task : str
        Name and version of the task and format that will read the answer. A part of the ledger's key: another
        version asks anew.
    sample : int
        Which of several answers to the same prompt this is (self-consistency), from 0. A part of the key.
    schema : mapping or None
        JSON schema of the answer, for servers that can be held to one.
    check : callable or None
        ``check(answer)`` returns None if the answer can be read, otherwise what is wrong with it in one line
        (without note text); a live model then asks once more with that line.
    """

    doc_id: str
    note_sha256: str
    task: str
    sample: int
    schema: Mapping[str, Any] | None
    check: Callable[[str], str | None] | None

    @classmethod
    def make(
        cls,
        text: str,
        *,
        doc_id: str,
        note_sha256: str,
        task: str = "",
        sample: int = 0,
        schema: Mapping[str, Any] | None = None,
        check: Callable[[str], str | None] | None = None,
    ) -> NotePrompt:
        """Return the prompt `text` with its attributes."""
        prompt = cls(text)
        prompt.doc_id, prompt.note_sha256 = doc_id, note_sha256
        prompt.task, prompt.sample, prompt.schema, prompt.check = task, sample, schema, check
        return prompt


class FailedAnswer(str):
    """The answer to a prompt that has none: an empty string with the reason.

    A task tells it from an empty answer by ``isinstance(answer, FailedAnswer)`` and counts the note as a problem.

    Attributes
    ----------
    error : str
        Why, in one line, without note text; for example ``"context length"``.
    """

    error: str

    @classmethod
    def make(cls, error: str) -> FailedAnswer:
        """Return a failed answer with its reason."""
        answer = cls("")
        answer.error = error
        return answer
