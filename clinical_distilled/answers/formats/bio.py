"""The format ``bio``: one token and its tag per line."""

import re
from collections.abc import Collection, Sequence

from clinical_distilled.answers.formats.base import Format, Parsed
from clinical_distilled.answers.formats.cleaning import clean, is_nothing, unescape_lines
from clinical_distilled.answers.formats.placing import stretches
from clinical_distilled.answers.formats.rewriting import Mark, plausible, problem_of_rewriting, restore
from clinical_distilled.answers.mentions import AnswerMention

_TOKEN = re.compile(r"\w+(?:[-'’.,/]\w+)*|[^\w\s]")
_TIMES = 20  # a note of single letters with "B-MEDICATION" behind each is not that much longer
_TAG = re.compile(r"(?P<outside>[Oo])|(?P<prefix>[BIESLU])-(?P<label>\S{1,40})")


def render(mentions: Sequence[AnswerMention], text: str) -> str:
    """Write ``<token><tab><tag>`` lines; tags are ``B-LABEL``, ``I-LABEL`` and ``O``."""
    lines = []
    reached = 0
    for start, end, label in stretches(mentions, text):
        lines += [f"{token}\tO" for token in _TOKEN.findall(text, reached, start)]
        tokens = _TOKEN.findall(text, start, end)
        lines += [f"{token}\t{'I' if position else 'B'}-{label}" for position, token in enumerate(tokens)]
        reached = end
    lines += [f"{token}\tO" for token in _TOKEN.findall(text, reached)]
    return "\n".join(lines)


def parse(answer: str, text: str, _labels: Collection[str]) -> Parsed:
    """Read lines that end in a tag; IOB1, IOB2, IOBES and BILOU all give the same mentions."""
    answer = unescape_lines(clean(answer), text)
    if is_nothing(answer):
        return Parsed()
    tagged, unread = _tagged_lines(plausible(answer, text, _TIMES))
    rewritten, marks = _marks(tagged)
    restored = restore(rewritten, marks, text)
    return Parsed(tuple(restored.mentions), problem_of_rewriting(answer, restored, unread))


def _tagged_lines(answer: str) -> tuple[list[tuple[str, re.Match[str]]], int]:
    """Return (token, tag) of the tagged lines, and how many lines between them have no tag."""
    tagged: list[tuple[str, re.Match[str]]] = []
    unread = between = 0
    for line in answer.split("\n"):
        row = line.strip()
        if row.startswith("|") and row.endswith("|"):  # a row of a table
            row = row[1:-1]
        fields = row.replace("\t|", "\t").rsplit(None, 1)
        tag = _TAG.fullmatch(fields[-1]) if len(fields) > 1 else None
        if tag is not None:
            tagged.append((fields[0].strip(" \t|") or "|", tag))
            unread, between = unread + between, 0
        elif line.strip() and tagged:
            between += 1
    return tagged, unread


def _marks(tagged: Sequence[tuple[str, re.Match[str]]]) -> tuple[str, list[Mark]]:
    """Join the tokens to a text, and the tags to marks in it."""
    marks: list[Mark] = []
    length = 0
    inside = ""  # the label of the mention that the last token is in
    for token, tag in tagged:
        end = length + len(token)
        label = tag["label"] or ""
        if label and label == inside and tag["prefix"] in "IEL":
            marks[-1] = marks[-1]._replace(end=end)
        elif label:
            marks.append(Mark(length, end, label))
        inside = "" if tag["prefix"] in ("E", "L", "S", "U") else label
        length = end + 1
    return " ".join(token for token, _ in tagged), marks


FORMATS = (Format("bio", render, parse, 5.0),)
