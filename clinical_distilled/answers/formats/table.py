r"""The format ``markdown_table``: a table of mentions and labels. A ``|`` in a mention is written ``\|``."""

import re
from collections.abc import Collection, Sequence

from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats.base import Format, Parsed, Problem, problem_of
from clinical_distilled.answers.formats.cleaning import clean, is_nothing, unescape_lines
from clinical_distilled.answers.formats.lines import escape_bars, split_bars
from clinical_distilled.answers.formats.reader import FIELDS
from clinical_distilled.answers.mentions import AnswerMention

_CELLS_READ = 20  # a row with more is not one of ours
_RULE = re.compile(r"[\s|:\-\u2013\u2014+=]+")


def render(mentions: Sequence[AnswerMention], _text: str) -> str:
    """Write a table with the columns mention and label."""
    rows = [f"| {escape_bars(mention.text)} | {mention.label} |" for mention in mentions]
    return "\n".join(["| mention | label |", "| --- | --- |", *rows])


def parse(answer: str, text: str, labels: Collection[str]) -> Parsed:
    """Read the rows of a table; columns go by the header, without one by which cell is a label."""
    answer = unescape_lines(clean(answer), text)
    if is_nothing(answer):
        return Parsed()
    known = {fold(label) for label in labels}
    columns: list[str] = []
    mentions: list[AnswerMention] = []
    seen, unread = 0, []
    rows = [line for line in answer.split("\n") if "|" in line]
    for number, line in enumerate(rows):
        cells = _cells(line)
        if _RULE.fullmatch(line):
            seen += 1
        elif header := _header(cells):
            columns, seen = header, seen + 1
        elif mention := _mention(cells, columns, known):
            mentions.append(mention)
        else:
            unread.append(number)
    if unread == [len(rows) - 1] and mentions:
        return Parsed(tuple(mentions), Problem.CUT_OFF)
    return Parsed(tuple(mentions), problem_of(answer, seen + len(mentions), len(unread)))


def _cells(line: str) -> list[str]:
    cells = split_bars(line.strip())[:_CELLS_READ]
    if not cells[0].strip():
        cells = cells[1:]
    if cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _header(cells: list[str]) -> list[str]:
    columns = [FIELDS.get(fold(cell.strip(" *`")), "") for cell in cells]
    return columns if "text" in columns and "label" in columns else []


def _mention(cells: list[str], columns: list[str], known: set[str]) -> AnswerMention | None:
    """Read a row. Cells beyond the header's are bars that the model left in a mention unescaped."""
    if not columns:
        at = next((i for i, cell in enumerate(cells) if fold(cell.strip(" *`")) in known), 0)
        columns = ["text", "label"] if at == 1 or len(cells) == 2 else [""] * (at - 1) + ["text", "label"]
        columns = ["label", "text"] if at == 0 and len(cells) == 2 and fold(cells[0]) in known else columns
    extra = len(cells) - len(columns)
    text = columns.index("text")
    if extra > 0:
        cells = [*cells[:text], "|".join(cells[text : text + extra + 1]), *cells[text + extra + 1 :]]
    row = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
    label = row.get("label", "").strip(" *`")
    if not row.get("text") or not label:
        return None
    return AnswerMention(row["text"], label, row.get("rationale", ""))


FORMATS = (Format("markdown_table", render, parse),)
