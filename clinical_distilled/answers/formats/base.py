"""What an output format is: a way to write mentions as an answer, and to read them from one."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from clinical_distilled.answers.mentions import AnswerMention


class Problem(str, Enum):
    """What is wrong with an answer, beyond single mentions."""

    EMPTY = "the answer is empty"
    UNREADABLE = "nothing in the answer could be read"
    PARTLY = "part of the answer could not be read"
    CUT_OFF = "the answer is cut off"


@dataclass(frozen=True)
class Parsed:
    """What could be read of an answer.

    Attributes
    ----------
    mentions : tuple of AnswerMention
        In the answer's order.
    problem : Problem or None
        What is wrong with the answer; mentions may have been read all the same.
    """

    mentions: tuple[AnswerMention, ...] = ()
    problem: Problem | None = None


def problem_of(answer: str, read: int, unread: int) -> Problem | None:
    """Return what is wrong with an answer of which so many lines could be read, and so many not."""
    if read:
        return Problem.PARTLY if unread else None
    return Problem.UNREADABLE if answer.strip() else Problem.EMPTY


Render = Callable[[Sequence[AnswerMention], str], str]
Parse = Callable[[str, str, Collection[str]], Parsed]


@dataclass(frozen=True)
class Format:
    """An output format.

    Attributes
    ----------
    name : str
        As configs name it.
    render : callable
        ``render(mentions, text)``: the answer a perfect model would give on this text.
    parse : callable
        ``parse(answer, text, labels)``: reads any string, never raises, in linear time.
    room : float
        How many tokens an answer has for each of the note, generously (measured on real answers).
    schema : callable or None
        ``schema(labels)``: the JSON schema of an answer, for servers that can be held to one.
    """

    name: str
    render: Render
    parse: Parse
    room: float = 2.0
    schema: Callable[[Collection[str]], dict[str, Any]] | None = None
