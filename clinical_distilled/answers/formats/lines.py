r"""Formats of one line per mention, or per label: ``numbered`` (as spacy.NER.v3 asks for) and ``by_label``.

A ``|`` that is part of a numbered mention is written ``\|``, a backslash ``\\``.
"""

import re
from collections.abc import Collection, Sequence

from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats.base import Format, Parsed, Problem
from clinical_distilled.answers.formats.cleaning import clean, one_line
from clinical_distilled.answers.mentions import AnswerMention

_BULLET = re.compile(r"\s*(?:[-*>#]+\s+)?(?P<number>\**\d+\**\s*[.):\]](?!\d)\**\s*)?")
_VERDICTS = {"true": True, "yes": True, "false": False, "no": False}
_NOTHING = {"none", "no mentions", "no mention", "no entities", "n/a"}


def is_nothing(answer: str) -> bool:
    """Say whether an answer says that there is no mention."""
    return answer.strip(" \n\t.*`\"'").casefold() in _NOTHING


def render_numbered(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write ``<n>. <mention> | True | <LABEL> | <why>`` lines, or NONE."""
    lines = [
        f"{number}. {_escape(mention.text)} | True | {mention.label} | {one_line(mention.rationale)}".rstrip()
        for number, mention in enumerate(mentions, start=1)
    ]
    return "\n".join(lines) or "NONE"


def parse_numbered(answer: str, _text: str, labels: Collection[str]) -> Parsed:
    """Read numbered lines; the verdict may be missing, the number too, other lines are chatter."""
    answer = clean(answer)
    if is_nothing(answer):
        return Parsed()
    known = {fold(label) for label in labels}
    mentions: list[AnswerMention] = []
    denied, unread = 0, []
    lines = answer.split("\n")
    for number, line in enumerate(lines):
        fields = _fields(line)
        at = _verdict(fields, known)
        if at is None:
            if len(fields) > 1 or _is_numbered(line):
                unread.append(number)
        elif not _VERDICTS.get(_bare(fields[at]).casefold(), True):
            denied += 1
        else:
            mentions.append(_mention(fields, at))
    if unread == [len(lines) - 1] and mentions:
        return Parsed(tuple(mentions), Problem.CUT_OFF)
    return Parsed(tuple(mentions), _problem(answer, len(mentions) + denied, len(unread)))


def _problem(answer: str, read: int, unread: int) -> Problem | None:
    if read:
        return Problem.PARTLY if unread else None
    return Problem.UNREADABLE if answer.strip() else Problem.EMPTY


def _fields(line: str) -> list[str]:
    """Split a line without its number at unescaped bars, and undo the escapes."""
    bullet = _BULLET.match(line)
    marked = line[bullet.end() if bullet else 0 :].replace("\\\\", "\0").replace("\\|", "\1")
    return [field.replace("\0", "\\").replace("\1", "|") for field in marked.split("|")]


def _is_numbered(line: str) -> bool:
    bullet = _BULLET.match(line)
    return bullet is not None and bullet["number"] is not None


def _verdict(fields: list[str], known: set[str]) -> int | None:
    """Return the index of the field that says True or False, or, where it is missing, of the label."""
    for at in range(1, len(fields) - 1):
        if _bare(fields[at]).casefold() in _VERDICTS:
            return at
    return next((at for at in range(1, len(fields)) if fold(_bare(fields[at])) in known), None)


def _mention(fields: list[str], at: int) -> AnswerMention:
    label = at + 1 if _bare(fields[at]).casefold() in _VERDICTS else at
    why = "|".join(fields[label + 1 :]).strip(" |")
    return AnswerMention("|".join(fields[:at]).strip(), _bare(fields[label]), why)


def _bare(field: str) -> str:
    return field.strip(" \t*`")


def _escape(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")


NUMBERED = Format("numbered", render_numbered, parse_numbered)
