"""The one further request that an answer gets which was cut off or cannot be read."""

from __future__ import annotations

from clinical_distilled.answers.entries import Reply
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.teachers.chat_client import Message

MORE_ROOM = 2  # times the tokens, for an answer that was cut off
_REPAIR = "Your answer cannot be read: {problem}. Give it again, whole, exactly in the form asked for, nothing else."


def problem_of(prompt: NotePrompt, reply: Reply) -> str | None:
    """Return what is wrong with an answer, in one line without note text; None: nothing, or there is no answer yet."""
    if reply.answer is None:
        return None
    if reply.finish_reason == "length":
        return "it was cut off"
    return prompt.check(reply.answer) if prompt.check else None


def messages_for(text: str, before: Reply, problem: str | None, max_tokens: int) -> tuple[list[Message], int]:
    """Return the messages to send and how many tokens their answer may have.

    Parameters
    ----------
    text
        The prompt as it is sent.
    before
        The answer so far, if `problem` says what is wrong with it.
    """
    messages: list[Message] = [{"role": "user", "content": text}]
    if problem is None:
        return messages, max_tokens
    if before.finish_reason == "length":
        return messages, max_tokens * MORE_ROOM
    messages += [
        {"role": "assistant", "content": before.answer or ""},
        {"role": "user", "content": _REPAIR.format(problem=problem)},
    ]
    return messages, max_tokens
