"""Cleaning: takes off what models put around an answer, whatever its format."""

import re
from itertools import islice

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_NOTHING = {"none", "no mention", "no mentions", "no entity", "no entities", "n/a", "o", ""}
_ESCAPED_JSON = re.compile(r'[\[{](?:\\n|\s){0,50}\\"')


def clean(answer: str) -> str:
    """Return an answer without the model's thoughts and with plain line ends."""
    text = answer.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff \n\t")
    if text.startswith("<think>"):
        return text.partition("</think>")[2]
    # Some servers cut off the opening tag alone.
    before, end, after = text.partition("\n</think>\n")
    return after if end else before


def unescape_lines(answer: str, text: str) -> str:
    r"""Undo line ends written out as ``\n`` in an answer on one line, unless the note has such a thing itself."""
    if "\n" in answer.strip() or "\\n" not in answer or "\\n" in text:
        return answer
    return answer.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')


def unescape_json(answer: str) -> str:
    """Undo the escapes of JSON that was put into a JSON string once more."""
    if not _ESCAPED_JSON.search(answer):
        return answer
    return re.sub(r"\\(.)", lambda escape: {"n": "\n", "t": "\t"}.get(escape[1], escape[1]), answer, flags=re.DOTALL)


def unfence(text: str) -> str:
    """Return what stands between the first pair of code fences; all of it where there is none."""
    fences = list(islice(_FENCE.finditer(text), 2))
    if not fences:
        return text
    end = fences[1].start() if len(fences) > 1 else len(text)
    return text[fences[0].end() : end].strip("\n")


def one_line(text: str) -> str:
    """Return a text with every run of white space as one space, so that it fits on a line."""
    return " ".join(text.split())


def is_nothing(answer: str) -> bool:
    """Say whether an answer says that there is no mention; an empty one says nothing at all."""
    stripped = answer.strip()
    return 0 < len(stripped) < 100 and stripped.strip(" \n\t.*`\"'-[]{}").casefold() in _NOTHING
