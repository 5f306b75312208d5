"""Release files that are tables: rows with their place, and an error that names file and line."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from clinical_distilled.errors import InputError


def open_release(path: Path) -> IO[bytes]:
    """Open a release file, gzipped where its name ends in ``.gz``.

    Raises
    ------
    InputError
        If it is missing.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def rows(
    path: Path, separator: str, columns: int | Sequence[str], *, quoted: bool = False, encoding: str = "utf-8"
) -> Iterator[list[str]]:
    """Yield the rows of a table.

    Parameters
    ----------
    separator
        One character.
    columns
        The names in the header, which is checked and not given; or the number of columns of a file without one.
    quoted
        Whether values may stand in quotation marks, as in CSV.

    Raises
    ------
    InputError
        If the file is missing or not in `encoding`, its header is another, or a row has another number of columns.
    """
    count = columns if isinstance(columns, int) else len(columns)
    line = 0
    try:
        with open_release(path) as raw, io.TextIOWrapper(raw, encoding, newline="") as text:
            reader = csv.reader(text, delimiter=separator, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
            for row in reader:
                line = reader.line_num
                if len(row) != count:
                    raise InputError(f"{path}, line {line}: {len(row)} columns where {count} are expected.")
                if line == 1 and not isinstance(columns, int):
                    if row != list(columns):
                        raise InputError(f"{path}, line 1: expected the columns {', '.join(columns)}.")
                    continue
                yield row
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read after line {line} ({type(error).__name__}).") from None
    if line == 0:
        raise InputError(f"{path}: empty.")
