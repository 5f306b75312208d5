"""Golden phrases with inline marks: ``Denies [chest pain](SYMPTOM).``"""

import re
from pathlib import Path

from clinical_distilled.corpora.mentions import Mention

_MARK = re.compile(r"\[([^\]]+)\]\((\w+)\)")


def read_marked(path: Path) -> list[tuple[str, list[Mention]]]:
    """Return text and mentions of each line; blank lines and those that begin with # are passed over."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return [unmark(line) for line in lines]


def unmark(line: str) -> tuple[str, list[Mention]]:
    """Take the marks out of a line and return what they mark."""
    text, mentions, at = "", [], 0
    for mark in _MARK.finditer(line):
        text += line[at : mark.start()]
        mentions.append(Mention(len(text), len(text) + len(mark[1]), mark[2]))
        text, at = text + mark[1], mark.end()
    return text + line[at:], mentions
