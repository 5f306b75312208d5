"""Reader: collects mentions from the events of JSON or YAML, whatever shape the model chose."""

from collections.abc import Collection, Iterable
from functools import lru_cache

from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats.base import Parsed, Problem
from clinical_distilled.answers.formats.lenient_json import Event
from clinical_distilled.answers.mentions import AnswerMention

FIELDS = {
    **dict.fromkeys(("text", "mention", "entity", "name", "span", "term", "phrase"), "text"),
    **dict.fromkeys(("label", "type", "category", "class", "entity_type", "tag"), "label"),
    **dict.fromkeys(("why", "rationale", "reason", "explanation", "evidence"), "rationale"),
    **dict.fromkeys(("start", "begin", "start_char"), "start"),
    **dict.fromkeys(("end", "stop", "end_char"), "end"),
}
_NULLS = {"", "null", "none", "~", "[]", "n/a"}


def read_events(events: Iterable[Event], labels: Collection[str]) -> Parsed:
    """Read mentions: objects with a text and a label, or texts listed under a label.

    No event at all is `Problem.UNREADABLE`.
    """
    reader = _Reader({fold(label): label for label in labels})
    kind = ""
    for kind, text in events:
        reader.take(kind, text)
    reader.finish()
    if not reader.mentions and (reader.unread or not reader.seen):
        return Parsed(problem=Problem.UNREADABLE)
    if kind == "cut":
        return Parsed(tuple(reader.mentions), Problem.CUT_OFF)
    return Parsed(tuple(reader.mentions), Problem.PARTLY if reader.unread else None)


_fold_key = lru_cache(maxsize=256)(fold)  # the same few keys come again and again


class _Reader:
    """The mentions read so far, and the one being read."""

    def __init__(self, known: dict[str, str]) -> None:
        self.mentions: list[AnswerMention] = []
        self.unread = 0
        self.seen = False  # anything that belongs to an answer
        self._stray = False  # a value under a key that says nothing to us
        self._known = known
        self._key = ""
        self._label = ""  # the label whose list is being read
        self._fields: dict[str, str] = {}

    def take(self, kind: str, text: str) -> None:
        if kind == "key":
            self._take_key(text)
        elif kind == "value":
            self._take_value(text)
        elif kind in ("{", "}", "-"):
            self.finish()
            self._key = ""
            if kind == "}":
                self._label = ""
        self.seen |= kind in ("{", "[")

    def finish(self) -> None:
        """End a mention; one without text or label was not read."""
        fields, self._fields = self._fields, {}
        stray, self._stray = self._stray, False
        if not fields:
            self.unread += stray
            return
        fields.setdefault("label", self._label)
        if not fields["label"] or "text" not in fields:
            self.unread += 1
            return
        start, end = _offset(fields.get("start")), _offset(fields.get("end"))
        self.mentions.append(AnswerMention(fields["text"], fields["label"], fields.get("rationale", ""), start, end))

    def _take_key(self, key: str) -> None:
        folded = _fold_key(key)
        field = FIELDS.get(folded, "")
        if field in self._fields:
            self.finish()  # a repeated key begins the next mention
        self._key = field
        if not field:
            self._label = self._known.get(folded, "")
        self.seen |= bool(field or self._label)

    def _take_value(self, value: str) -> None:
        if self._key:
            self._fields[self._key] = value
            self._key = ""
        elif not self._label:
            self._stray = True
        elif value.casefold() not in _NULLS:
            self.mentions.append(AnswerMention(value, self._label))


def _offset(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 10 else None
