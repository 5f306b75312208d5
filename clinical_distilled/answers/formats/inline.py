"""Formats that repeat the note with marks in it: ``xml``, ``brackets`` and ``at_hash``.

What looks like a mark but belongs to the note gets a zero-width space inside; alignment does not see it.
"""

import re
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats.base import Format, Parse, Parsed, Problem
from clinical_distilled.answers.formats.cleaning import clean, is_nothing, unescape_lines, unfence
from clinical_distilled.answers.formats.placing import by_label, stretches
from clinical_distilled.answers.formats.rewriting import Mark, plausible, problem_of_rewriting, restore
from clinical_distilled.answers.mentions import AnswerMention

_TIMES = 8  # a note with a mark on every other letter is not that much longer
_GAP = "\u200b"
_COMMON = r"<(?=/?think>)|`(?=``)|~(?=~~)"  # what `cleaning` would take for no part of the answer
_TAG = re.compile(r"<(?P<close>/?)[ \t]*(?P<name>[A-Za-z_][\w-]{0,40})(?P<rest>(?:\s[^<>]{0,200})?)>")
_NAMED = re.compile(r"""(?:label|type|class|category)\s{0,9}=\s{0,9}["']?([\w-]{1,40})""", re.IGNORECASE)
_BRACKET = re.compile(r"\\[\[\]]|\[|\](?:\([ \t]{0,9}(?P<label>[A-Za-z_-]{1,40})[ \t]{0,9}\))?")
_AT_HASH = re.compile(r"@@|##")


class _Piece(NamedTuple):
    """What is no part of the note at [start, end) of an answer; it opens or closes a mark, or does neither."""

    start: int
    end: int
    opens: bool = False
    closes: bool = False
    label: str = ""


class _Unmarked(NamedTuple):
    """A rewritten note without its marks, the marks, and how many marks could not be read."""

    text: str
    marks: list[Mark]
    unread: int


def _unmark(answer: str, pieces: Sequence[_Piece]) -> _Unmarked:
    """Take the pieces out of an answer; a border that has no partner leaves no mark."""
    parts: list[str] = []
    marks: list[Mark] = []
    open_: list[tuple[str, int]] = []
    length = reached = unread = 0
    for piece in pieces:
        parts.append(answer[reached : piece.start])
        length += piece.start - reached
        reached = piece.end
        if piece.opens:
            open_.append((piece.label, length))
        elif piece.closes:
            # Models forget to close: what was opened inside is given up.
            while open_ and piece.label and open_[-1][0] != piece.label:
                open_.pop()
                unread += 1
            if open_:
                label, start = open_.pop()
                marks.append(Mark(start, length, label))
            else:
                unread += 1
    parts.append(answer[reached:])
    return _Unmarked("".join(parts), sorted(marks), unread + len(open_))


def _weave(
    mentions: Sequence[AnswerMention], text: str, guard: re.Pattern[str], write: Callable[[str, str], str]
) -> str:
    """Write the text with each mention as ``write(mention, label)``, and a gap behind each match of `guard`."""

    def plain(start: int, end: int) -> str:
        return guard.sub(lambda match: match[0] + _GAP, text[start:end])

    parts = []
    reached = 0
    for start, end, label in stretches(mentions, text):
        parts += [plain(reached, start), write(plain(start, end), label)]
        reached = end
    return "".join(parts) + plain(reached, len(text))


def _parser(read: Callable[[str, dict[str, str]], list[_Piece]]) -> Parse:
    """Make the parser of a format that repeats the note once, from what finds its pieces."""

    def parse(answer: str, text: str, labels: Collection[str]) -> Parsed:
        answer = unescape_lines(clean(answer), text)
        if is_nothing(answer):
            return Parsed()
        body = plausible(unfence(answer), text, _TIMES)
        unmarked = _unmark(body, read(body, {fold(label): label for label in labels}))
        restored = restore(unmarked.text, unmarked.marks, text)
        return Parsed(tuple(restored.mentions), problem_of_rewriting(answer, restored, unmarked.unread))

    return parse


def render_xml(mentions: Sequence[AnswerMention], text: str) -> str:
    """Write the note with ``<LABEL>mention</LABEL>``."""
    return _weave(mentions, text, _LIKE_TAG, "<{1}>{0}</{1}>".format)


_LIKE_TAG = re.compile(_COMMON + r"|<(?=/?[ \t]*[A-Za-z_])|&(?=\w{1,10};)")


def _xml_pieces(answer: str, known: dict[str, str]) -> list[_Piece]:
    """Find tags that are a known label, or that are both opened and closed; an attribute may name the label."""
    tags = [(tag, fold(tag["name"])) for tag in _TAG.finditer(answer)]
    closed = {name for tag, name in tags if tag["close"]}
    opened = {name for tag, name in tags if not tag["close"]}
    pieces = []
    for tag, name in tags:
        if name not in known and name not in closed & opened:
            continue
        if tag["close"]:
            pieces.append(_Piece(tag.start(), tag.end(), closes=True, label=known.get(name, "")))
        else:
            attribute = _NAMED.search(tag["rest"])
            label = known.get(name) or (attribute[1] if attribute else tag["name"])
            pieces.append(_Piece(tag.start(), tag.end(), opens=True, label=label))
    return pieces


def render_brackets(mentions: Sequence[AnswerMention], text: str) -> str:
    """Write the note with ``[mention](LABEL)``; a bracket inside a mention is written with a backslash."""

    def write(mention: str, label: str) -> str:
        return "[" + re.sub(r"[\[\]]", r"\\\g<0>", mention) + f"]({label})"

    return _weave(mentions, text, _LIKE_BRACKET, write)


_LIKE_BRACKET = re.compile(_COMMON + r"|\](?=\()|\\(?=[\[\]]|\Z)")


def _bracket_pieces(answer: str, known: dict[str, str]) -> list[_Piece]:
    """Find brackets that are followed by a label in parentheses, and backslashes before brackets."""
    pieces = []
    open_: list[int] = []
    for match in _BRACKET.finditer(answer):
        label = match["label"] or ""
        if match[0] == "[":
            open_.append(match.start())
        elif match[0].startswith("\\"):
            pieces.append(_Piece(match.start(), match.start() + 1))
        elif open_:
            start = open_.pop()
            if fold(label) in known or label.isupper():
                label = known.get(fold(label), label)
                pieces.append(_Piece(start, start + 1, opens=True, label=label))
                pieces.append(_Piece(match.start(), match.end(), closes=True, label=label))
    return sorted(pieces)


def render_at_hash(mentions: Sequence[AnswerMention], text: str) -> str:
    """Write the note once per label, below ``=== LABEL``, with ``@@mention##``; or NONE."""
    sections = [
        f"=== {label}\n" + _weave(group, text, _LIKE_AT_HASH, "@@{}##".format)
        for label, group in by_label(mentions).items()
    ]
    return "\n".join(sections) or "NONE"


_LIKE_AT_HASH = re.compile(_COMMON + r"|[@#](?=[@#]|\Z)|=(?==)")


def parse_at_hash(answer: str, text: str, labels: Collection[str]) -> Parsed:
    """Read the sections, one per label; without any heading the answer is for the only label there is."""
    answer = unescape_lines(clean(answer), text)
    if is_nothing(answer):
        return Parsed()
    known = {fold(label): label for label in labels}
    mentions: list[AnswerMention] = []
    problem: Problem | None = None
    sections = _sections(plausible(unfence(answer), text, _TIMES * len(known)), known)
    for label, section in sections:
        unmarked = _unmark(section, _at_hash_pieces(section, label))
        restored = restore(unmarked.text, unmarked.marks, text)
        mentions += restored.mentions
        problem = problem or problem_of_rewriting(section, restored, unmarked.unread)
    if not sections:
        problem = Problem.UNREADABLE if answer.strip() else Problem.EMPTY
    return Parsed(tuple(mentions), problem)


def _sections(answer: str, known: dict[str, str]) -> list[tuple[str, str]]:
    """Split an answer into (label, rewritten note)."""
    lines = answer.split("\n")
    headings = [(i, label) for i, line in enumerate(lines) if (label := _heading(line, known))]
    if not headings:
        return [(label, answer) for label in known.values() if len(known) == 1 and answer.strip()]
    ends = [i for i, _ in headings[1:]] + [len(lines)]
    return [(label, "\n".join(lines[i + 1 : end])) for (i, label), end in zip(headings, ends, strict=True)]


def _heading(line: str, known: dict[str, str]) -> str:
    bare = line.strip()
    name = bare.strip("=#*: \t")
    if not bare.startswith(("==", "###", "**")) or len(name) > 40:
        return ""
    return known.get(fold(name), name if name.isupper() and bare.startswith("===") else "")


def _at_hash_pieces(section: str, label: str) -> list[_Piece]:
    pieces: list[_Piece] = []
    open_ = False
    for match in _AT_HASH.finditer(section):
        if match[0] == "@@" or open_:
            open_ = match[0] == "@@"
            pieces.append(_Piece(match.start(), match.end(), opens=open_, closes=not open_, label=label))
    return pieces


FORMATS = (
    Format("xml", render_xml, _parser(_xml_pieces), 3.0),
    Format("brackets", render_brackets, _parser(_bracket_pieces), 3.0),
    Format("at_hash", render_at_hash, parse_at_hash, 6.0),
)
