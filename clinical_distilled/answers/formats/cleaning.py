"""Cleaning: takes off what models put around an answer, whatever its format."""

import re

_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)
_THOUGHT = "</think>"


def clean(answer: str) -> str:
    r"""Return an answer without thoughts, with plain line ends, and with escaped line ends undone.

    An answer on one line with ``\n`` written out as two characters is one that was escaped once too often.
    """
    text = answer.rpartition(_THOUGHT)[2].replace("\r\n", "\n").replace("\r", "\n").replace("\ufeff", "")
    if "\n" not in text.strip() and "\\n" in text:
        text = text.replace("\\n", "\n").replace("\\t", "\t")
        if '\\"' in text:
            text = text.replace('\\"', '"').replace("\\\\", "\\")
    return text


def unfence(text: str) -> str:
    """Return what stands between the first pair of code fences; all of it where there is none."""
    fences = list(_FENCE.finditer(text))
    if not fences:
        return text
    end = fences[1].start() if len(fences) > 1 else len(text)
    return text[fences[0].end() : end].strip("\n")


def one_line(text: str) -> str:
    """Return a text with every run of white space as one space, so that it fits on a line."""
    return " ".join(text.split())
