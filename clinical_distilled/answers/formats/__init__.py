"""Output formats: how an answer writes mentions, each by name, with a renderer and a parser that reads anything."""

from clinical_distilled.answers.formats import bio, inline, json_family, lines, table, yaml_list
from clinical_distilled.answers.formats.base import Format, Parsed, Problem
from clinical_distilled.errors import InputError

__all__ = ["FORMATS", "Format", "Parsed", "Problem", "get_format"]

_FAMILIES = (lines.FORMATS, json_family.FORMATS, inline.FORMATS, bio.FORMATS, table.FORMATS, yaml_list.FORMATS)

FORMATS: dict[str, Format] = {one.name: one for family in _FAMILIES for one in family}


def get_format(name: str) -> Format:
    """Return the output format of this name.

    Raises
    ------
    InputError
        If there is none; names those there are.
    """
    if name not in FORMATS:
        raise InputError(f"No output format {name!r}. There are: {', '.join(FORMATS)}.")
    return FORMATS[name]
