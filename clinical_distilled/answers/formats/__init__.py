"""Output formats: how an answer writes mentions, each by name, with a renderer and a parser that reads anything."""

from clinical_distilled.answers.formats.base import Format, Parsed, Problem
from clinical_distilled.answers.formats.bio import FORMATS as _BIO
from clinical_distilled.answers.formats.inline import FORMATS as _INLINE
from clinical_distilled.answers.formats.json_family import FORMATS as _JSON
from clinical_distilled.answers.formats.lines import FORMATS as _LINES
from clinical_distilled.answers.formats.table import FORMATS as _TABLE
from clinical_distilled.answers.formats.yaml_list import FORMATS as _YAML
from clinical_distilled.errors import InputError

__all__ = ["FORMATS", "Format", "Parsed", "Problem", "get_format"]

FORMATS: dict[str, Format] = {one.name: one for one in (*_LINES, *_JSON, *_INLINE, *_BIO, *_TABLE, *_YAML)}


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
