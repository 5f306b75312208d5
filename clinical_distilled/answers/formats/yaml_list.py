"""The format ``yaml``: a list of mappings with ``text`` and ``label``.

Read line by line: models leave quotes and colons unquoted that a YAML library refuses, and the rest of the answer
would go with them.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence

from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats.base import Format, Parsed, Problem
from clinical_distilled.answers.formats.cleaning import clean, is_nothing, one_line, unescape_lines, unfence
from clinical_distilled.answers.formats.lenient_json import Event, events, unescape
from clinical_distilled.answers.formats.reader import FIELDS, read_events
from clinical_distilled.answers.mentions import AnswerMention

_PLAIN = re.compile(r"[A-Za-z][\w /+.()-]*(?<! )")  # needs no quotes in YAML...
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "none", "y", "n"}  # ...unless it is one of these
_LINE = re.compile(r"""\s*(?P<dash>-(?:\s+|$))?(?:(?P<key>"?'?[A-Za-z_][\w ]{0,40}'?"?)\s*:(?:\s+|$))?(?P<value>.*)""")


def render(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write a YAML list."""
    rows = [f"- text: {_scalar(one_line(mention.text))}\n  label: {_scalar(mention.label)}" for mention in mentions]
    return "\n".join(rows) or "[]"


def parse(answer: str, text: str, labels: Collection[str]) -> Parsed:
    """Read a YAML list of mappings, or lists under labels."""
    answer = unescape_lines(clean(answer), text)
    if is_nothing(answer):
        return Parsed()
    if not answer.strip():
        return Parsed(problem=Problem.EMPTY)
    return read_events(_events(unfence(answer)), labels)


def _events(text: str) -> Iterator[Event]:
    for line in text.split("\n"):
        match = _LINE.fullmatch(line)
        if match is None or not line.strip() or line.lstrip().startswith("#"):
            continue
        value, key = match["value"].strip(), (match["key"] or "").strip("\"'")
        if match["dash"]:
            yield Event("-")
        if key:
            yield Event("key", key)
        if value and value[0] in "{[" and fold(key) not in FIELDS:
            yield from events(value, 0)
        elif value and (key or match["dash"]):
            yield Event("value", _value(value))


def _scalar(text: str) -> str:
    """Write a scalar: plain where that is safe, otherwise as a JSON string, which YAML reads too."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _value(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return unescape(value[1:-1])
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return value


FORMATS = (Format("yaml", render, parse),)
