r"""Formats of one line per mention, or per label: ``numbered`` (as spacy.NER.v3 asks for) and ``by_label``.

A ``|`` that is part of a numbered mention is written ``\|``, a backslash ``\\``.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats.base import Format, Parsed, Problem, problem_of
from clinical_distilled.answers.formats.cleaning import clean, is_nothing, one_line, unescape_lines
from clinical_distilled.answers.formats.placing import by_label
from clinical_distilled.answers.mentions import AnswerMention

_BULLET = re.compile(r"\s*(?:[-*>#]+\s+)?(?P<number>\**\d+\**\s*[.):\]](?!\d)\**\s*)?")
_FIELD = re.compile(r"((?:[^|\\]|\\.?)*)(?:\||\Z)")
_FIELDS_READ = 20  # a line with more is not one of ours
_VERDICTS = {"true": True, "yes": True, "false": False, "no": False}


def render_numbered(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write ``<n>. <mention> | True | <LABEL> | <why>`` lines, or NONE."""
    lines = [
        f"{number}. {escape_bars(mention.text)} | True | {mention.label} | {one_line(mention.rationale)}".rstrip()
        for number, mention in enumerate(mentions, start=1)
    ]
    return "\n".join(lines) or "NONE"


def parse_numbered(answer: str, text: str, labels: Collection[str]) -> Parsed:
    """Read numbered lines; the verdict may be missing, the number too, other lines are chatter."""
    answer = unescape_lines(clean(answer), text)
    if is_nothing(answer):
        return Parsed()
    known = {fold(label) for label in labels}
    mentions: list[AnswerMention] = []
    denied, unread = 0, []
    lines = answer.split("\n")
    for number, line in enumerate(lines):
        if not line.strip(" \t|"):
            continue
        fields = _fields(line)
        at = _verdict(fields, known)
        if at is None:
            if len(fields) > 1 or _is_numbered(line):
                unread.append(number)
        elif not _VERDICTS.get(_bare(fields[at]).casefold(), True):
            denied += 1
        elif (mention := _mention(fields, at)).text and mention.label:
            mentions.append(mention)
        else:
            unread.append(number)
    if unread == [len(lines) - 1] and mentions:
        return Parsed(tuple(mentions), Problem.CUT_OFF)
    return Parsed(tuple(mentions), problem_of(answer, len(mentions) + denied, len(unread)))


def split_bars(line: str) -> list[str]:
    """Split a line at its unescaped bars, and undo the escapes."""
    if "\\" not in line:
        return line.split("|")
    fields = []
    for match in _FIELD.finditer(line):
        fields.append(re.sub(r"\\([\\|])", r"\1", match[1]))
        if match.end(1) == len(line):
            break
    return fields


def _fields(line: str) -> list[str]:
    bullet = _BULLET.match(line)
    return split_bars(line[bullet.end() if bullet else 0 :])[:_FIELDS_READ]


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


def escape_bars(text: str) -> str:
    r"""Write a text on one line, its bars as ``\|``, its backslashes as ``\\``."""
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")


_HEADING = re.compile(r"(?P<label>[A-Za-z][A-Za-z_ ]{0,40})\**[ \t]*:\**")
# An item in double quotes, where the quotes enclose all of it; otherwise what stands before the next comma.
_ITEM = re.compile(r'[ \t]*(?:"(?P<quoted>(?:[^"]|"")*)"[ \t]*(?=,|$)|(?P<plain>[^,]*))(?:,|$)')


def render_by_label(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write ``<LABEL>: <mention>, <mention>`` lines, or NONE; a mention with a comma goes in double quotes."""
    lines = [
        f"{label}: {', '.join(_quote(one_line(mention.text)) for mention in group)}"
        for label, group in by_label(mentions).items()
    ]
    return "\n".join(lines) or "NONE"


def parse_by_label(answer: str, text: str, labels: Collection[str]) -> Parsed:
    """Read a line per label, or a label with a list of lines below it."""
    answer = unescape_lines(clean(answer), text)
    if is_nothing(answer):
        return Parsed()
    known = {fold(label).removesuffix("s"): label for label in labels}
    mentions: list[AnswerMention] = []
    label = ""
    seen = 0
    for line in answer.split("\n"):
        bare = line.lstrip(" \t*#>-")
        heading = _HEADING.match(bare)
        name = heading["label"] if heading else ""
        if heading and (fold(name).removesuffix("s") in known or name.isupper()):
            label = known.get(fold(name).removesuffix("s"), name)
            seen += 1
            mentions += [AnswerMention(item, label) for item in _items(bare[heading.end() :])]
        elif label and (bullet := _BULLET.match(line)) and bullet.end() and not is_nothing(line):
            mentions.append(AnswerMention(line[bullet.end() :].strip(), label))
        elif not line.strip():
            continue
        else:
            label = ""
    return Parsed(tuple(mentions), problem_of(answer, seen, 0))


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if "," in text or text.startswith('"') or is_nothing(text) else text


def _items(line: str) -> Iterator[str]:
    for match in _ITEM.finditer(line):
        if match["quoted"] is not None:
            yield match["quoted"].replace('""', '"')
        elif (item := match["plain"].strip()) and not is_nothing(item):
            yield item


FORMATS = (
    Format("numbered", render_numbered, parse_numbered),
    Format("by_label", render_by_label, parse_by_label),
)
