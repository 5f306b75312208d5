"""Lenient JSON: the events of whatever a model gives for JSON, in one pass and in linear time.

Well-formed JSON gives what ``json`` gives. Beyond it: chatter around, trailing or missing commas, single and smart
quotes, quotes inside strings, bare words, raw line ends in strings, several values one after the other, repeated
keys, and an end that is cut off. A library that repairs JSON into a tree (json-repair) drops repeated keys and
takes seconds on hostile input; events need no tree.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

# A string ends at a quote that is followed by what follows a string in JSON: a quote inside it is part of it.
_AFTER = r"(?=\s*(?:[,:}\]]|\Z))"
_TOKEN = re.compile(
    rf"""(?P<double>"(?P<in_double>(?:\\.|[^\\])*?)"{_AFTER})"""
    rf"""|(?P<single>'(?P<in_single>(?:\\.|[^\\])*?)'{_AFTER})"""
    rf"""|(?P<smart>[“”‘’](?P<in_smart>(?:\\.|[^\\])*?)[“”‘’"']{_AFTER})"""
    r"""|(?P<cut>["“'‘].*)"""
    r"""|(?P<mark>[{}\[\],:])"""
    r"""|(?P<bare>[^\s{}\[\],:"]+(?:[ \t]+[^\s{}\[\],:"]+)*)""",
    re.DOTALL,
)

_DEEPEST = 20  # no answer nests deeper; one that does is only brackets


class Event(NamedTuple):
    """One event: ``kind`` is "{", "}", "[", "]", "key", "value" or "cut" (the text ended inside something)."""

    kind: str
    text: str = ""


def events(text: str, start: int | None = None) -> Iterator[Event]:
    """Yield the events of the JSON in a text from `start`, or from its first likely bracket; chatter gives none."""
    depth = 0
    pending: str | None = None
    for match in _TOKEN.finditer(text, _first_bracket(text) if start is None else start):
        mark = match["mark"]
        if mark is None:
            if pending is not None and depth > 0:
                yield Event("value", pending)
            if match["cut"] is not None:
                break
            pending = _text_of(match)
            continue
        if pending is not None and depth > 0:
            yield Event("key" if mark == ":" else "value", pending)
        pending = None
        if mark in "{[":
            depth += 1
            if depth > _DEEPEST:
                break
            yield Event(mark)
        elif mark in "}]" and depth > 0:
            depth -= 1
            yield Event(mark)
    if depth > 0:
        yield Event("cut")


def _first_bracket(text: str) -> int:
    match = re.search(r"""[\[{](?=\s*(?:["'“‘{}\[\]]|[\w ]+:))""", text)
    return match.start() if match else len(text)


def _text_of(match: re.Match[str]) -> str:
    for group in ("in_double", "in_single", "in_smart"):
        if match[group] is not None:
            return unescape(match[group])
    return match["bare"].strip()


def unescape(body: str) -> str:
    """Undo the escapes of a JSON string; an escape that JSON does not know stays as it is."""
    if "\\" not in body:
        return body
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except json.JSONDecodeError:
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), body, flags=re.DOTALL)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\", "/": "/"}
