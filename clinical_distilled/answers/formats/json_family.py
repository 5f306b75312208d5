"""JSON formats: ``json_list``, ``json_by_label``, ``json_offsets`` and ``json_lines``.

One parser reads all four, so a model that was asked for one shape and gives another is understood.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from clinical_distilled.answers.formats.base import Format, Parsed, Problem
from clinical_distilled.answers.formats.cleaning import clean, is_nothing, unescape_json, unfence
from clinical_distilled.answers.formats.lenient_json import events
from clinical_distilled.answers.formats.placing import by_label, placed
from clinical_distilled.answers.formats.reader import read_events
from clinical_distilled.answers.mentions import AnswerMention


def parse_json(answer: str, _text: str, labels: Collection[str]) -> Parsed:
    """Read mentions from JSON of any of the four shapes."""
    answer = unescape_json(clean(answer))
    if is_nothing(answer):
        return Parsed()
    if not answer.strip():
        return Parsed(problem=Problem.EMPTY)
    fenced = read_events(events(unfence(answer)), labels)
    return read_events(events(answer), labels) if fenced.problem is Problem.UNREADABLE else fenced


def render_list(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write a JSON array of ``{"text", "label"}``."""
    return _dump([_row(mention) for mention in mentions])


def render_lines(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write one JSON object per line, or NONE."""
    return "\n".join(_dump(_row(mention)) for mention in mentions) or "NONE"


def render_offsets(mentions: Sequence[AnswerMention], text: str) -> str:
    """Write a JSON array of ``{"start", "end", "text", "label"}``, code point offsets, end exclusive."""
    rows = [{"start": mention.start, "end": mention.end, **_row(mention)} for mention in placed(mentions, text)]
    return "[\n" + ",\n".join(map(_dump, rows)) + "\n]" if rows else "[]"


def render_by_label(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write a JSON object: label to the list of its mentions."""
    return _dump({label: [mention.text for mention in group] for label, group in by_label(mentions).items()})


def schema_rows(labels: Collection[str]) -> dict[str, Any]:
    """Return the schema of ``json_list``, as ``{"entities": [...]}``: servers want an object at the top."""
    return _object({"entities": {"type": "array", "items": _object(_columns(labels))}})


def schema_offsets(labels: Collection[str]) -> dict[str, Any]:
    """Return the schema of ``json_offsets``, as ``{"entities": [...]}``."""
    offsets = {"start": {"type": "integer"}, "end": {"type": "integer"}}
    return _object({"entities": {"type": "array", "items": _object({**offsets, **_columns(labels)})}})


def schema_by_label(labels: Collection[str]) -> dict[str, Any]:
    """Return the schema of ``json_by_label``."""
    return _object({label: {"type": "array", "items": {"type": "string"}} for label in labels})


def _columns(labels: Collection[str]) -> dict[str, Any]:
    return {"text": {"type": "string"}, "label": {"type": "string", "enum": list(labels)}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    # Every property required and no other allowed: what OpenAI's strict mode asks for.
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _row(mention: AnswerMention) -> dict[str, Any]:
    row = {"text": mention.text, "label": mention.label}
    return {**row, "why": mention.rationale} if mention.rationale else row


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


FORMATS = (
    Format("json_list", render_list, parse_json, 3.0, schema_rows),
    Format("json_by_label", render_by_label, parse_json, 2.0, schema_by_label),
    Format("json_offsets", render_offsets, parse_json, 5.0, schema_offsets),
    Format("json_lines", render_lines, parse_json, 3.0),
)
