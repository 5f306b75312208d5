"""JSON formats: ``json_list``, ``json_by_label``, ``json_offsets`` and ``json_lines``.

One parser reads all four, so a model that was asked for one shape and gives another is understood.
"""

import json
from collections.abc import Collection, Sequence
from typing import Any

from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats.base import Format, Parsed, Problem
from clinical_distilled.answers.formats.cleaning import clean, unfence
from clinical_distilled.answers.formats.lenient_json import Event, events
from clinical_distilled.answers.formats.lines import is_nothing
from clinical_distilled.answers.mentions import AnswerMention

_TEXT = {"text", "mention", "entity", "name", "span", "term", "phrase"}
_LABEL = {"label", "type", "category", "class", "entity_type", "tag"}
_WHY = {"why", "rationale", "reason", "explanation", "evidence"}
_FIELDS = {
    **dict.fromkeys(_TEXT, "text"),
    **dict.fromkeys(_LABEL, "label"),
    **dict.fromkeys(_WHY, "rationale"),
    **dict.fromkeys(("start", "begin", "start_char"), "start"),
    **dict.fromkeys(("end", "stop", "end_char"), "end"),
}


def parse_json(answer: str, _text: str, labels: Collection[str]) -> Parsed:
    """Read mentions from JSON of any of the four shapes."""
    answer = clean(answer)
    if is_nothing(answer):
        return Parsed()
    found = list(events(unfence(answer))) or list(events(answer))
    reader = _Reader({fold(label) for label in labels})
    for event in found:
        reader.take(event)
    reader.finish()
    if not found:
        return Parsed(problem=Problem.UNREADABLE if answer.strip() else Problem.EMPTY)
    if found[-1].kind == "cut":
        return Parsed(tuple(reader.mentions), Problem.CUT_OFF)
    return Parsed(tuple(reader.mentions), Problem.PARTLY if reader.unread else None)


class _Reader:
    """Collects mentions from events: objects with a text and a label, and lists under a label."""

    def __init__(self, known: set[str]) -> None:
        self.mentions: list[AnswerMention] = []
        self.unread = 0
        self._known = known
        self._key = ""
        self._label = ""  # the label whose list is being read
        self._fields: dict[str, str] = {}

    def take(self, event: Event) -> None:
        if event.kind == "key":
            self._take_key(event.text)
        elif event.kind == "value":
            self._take_value(event.text)
        elif event.kind in "{}":
            self.finish()
            self._key = ""
            if event.kind == "}":
                self._label = ""

    def finish(self) -> None:
        """End a mention; one without text or label was not read."""
        fields, self._fields = self._fields, {}
        if not fields:
            return
        if "label" not in fields and self._label:
            fields["label"] = self._label
        if "text" not in fields or "label" not in fields:
            self.unread += 1
            return
        self.mentions.append(
            AnswerMention(
                fields["text"],
                fields["label"],
                fields.get("rationale", ""),
                _offset(fields.get("start")),
                _offset(fields.get("end")),
            )
        )

    def _take_key(self, key: str) -> None:
        field = _FIELDS.get(fold(key), "")
        if field in self._fields:
            self.finish()  # a repeated key begins the next mention
        self._key = field
        if not field:
            self._label = key if fold(key) in self._known else ""

    def _take_value(self, value: str) -> None:
        if self._key:
            self._fields[self._key] = value
            self._key = ""
        elif self._label and value not in ("null", "None", ""):
            self.mentions.append(AnswerMention(value, self._label))


def _offset(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 10 else None


def _row(mention: AnswerMention) -> dict[str, Any]:
    row = {"text": mention.text, "label": mention.label}
    return {**row, "why": mention.rationale} if mention.rationale else row


def render_list(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write a JSON array of ``{"text", "label"}``."""
    return json.dumps([_row(mention) for mention in mentions], ensure_ascii=False)


def schema_list(labels: Collection[str]) -> dict[str, Any]:
    """Return the schema of ``json_list``."""
    return {"type": "array", "items": _object(labels)}


def _object(labels: Collection[str], **first: dict[str, Any]) -> dict[str, Any]:
    properties = {**first, "text": {"type": "string"}, "label": {"type": "string", "enum": list(labels)}}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


LIST = Format("json_list", render_list, parse_json, schema_list)
