"""Notes in: reads JSON lines, CSV and folders of text files; checks each row, and looks at no two together."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clinical_distilled.errors import InputError
from clinical_distilled.files import read_jsonl, text_sha256

# A note may be longer than the csv module's default of 131,072 characters; this is the largest C long on Windows.
_CSV_FIELD_LIMIT = 2**31 - 1
READABLE = ".jsonl, .jsonl.gz, .csv or a folder of .txt"


@dataclass(frozen=True)
class Note:
    """One note as it was given.

    Attributes
    ----------
    doc_id : str
        The note's own identifier, or one derived from its text where it has none.
    text : str
    source : str
        Where it was read, for messages: file and line.
    meta : dict
        The other fields of its row.
    """

    doc_id: str
    text: str
    source: str
    meta: dict[str, Any] = field(default_factory=dict)


def kind_of(path: Path) -> str:
    """Return the format a file's name promises: ``jsonl``, ``csv``, ``txt``, or '' for none we read."""
    name = path.name.lower().removesuffix(".gz")
    suffix = name.rpartition(".")[2] if "." in name else ""
    if path.name.lower().endswith(".gz") and suffix != "jsonl":
        return ""
    return suffix if suffix in {"jsonl", "csv", "txt"} else ""


def derived_id(text: str) -> str:
    """Return the identifier of a note that was given none: the same text has the same one in every run."""
    return f"note-{text_sha256(text)[:16]}"


def read_notes(
    path: Path, text_field: str = "text", id_field: str = "doc_id", root: Path | None = None
) -> Iterator[Note]:
    """Read the notes of one file, or of all text files below a folder.

    Parameters
    ----------
    path : Path
        JSON lines (``.jsonl``, ``.jsonl.gz``), CSV with a header (``.csv``), or a folder of UTF-8 ``.txt`` files, one
        note each, whose identifier is the path below the folder without its suffix.
    text_field, id_field : str
        The field or column of the text and of the identifier. A note without identifier gets a `derived_id`.

    root : Path
        The folder the identifiers of text files are relative to, by default `path`.

    Raises
    ------
    InputError
        If a file is missing, of another format, not UTF-8 or malformed, or a text is missing or empty.
    """
    if path.is_dir():
        yield from _read_folder(path, root or path)
        return
    readers: dict[str, Callable[[Path, str, str], Iterator[Note]]] = {
        "jsonl": _read_jsonl,
        "csv": _read_csv,
        "txt": _read_text,
    }
    if not path.exists():
        raise InputError(f"{path}: no such file or folder.")
    reader = readers.get(kind_of(path))
    if reader is None:
        raise InputError(f"{path}: cannot read this kind of file. Give {READABLE}.")
    yield from reader(path, text_field, id_field)


def _read_jsonl(path: Path, text_field: str, id_field: str) -> Iterator[Note]:
    for number, row in read_jsonl(path):
        yield _note(row, f"{path}, line {number}", text_field, id_field)


def _read_csv(path: Path, text_field: str, id_field: str) -> Iterator[Note]:
    before = csv.field_size_limit(_CSV_FIELD_LIMIT)
    line = 0
    try:
        # utf-8-sig: spreadsheet programs put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            header = next(rows, [])
            _check_header(header, path, text_field)
            line = rows.line_num
            for cells in rows:
                source = f"{path}, line {line + 1}"
                line = rows.line_num
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise InputError(f"{source}: {len(cells)} columns where the header has {len(header)}.")
                yield _note(dict(zip(header, cells, strict=True)), source, text_field, id_field)
    except csv.Error as error:
        raise InputError(f"{path}, line {line + 1}: not CSV ({error}).") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 after line {line}. Save it as UTF-8.") from None
    finally:
        csv.field_size_limit(before)


def _check_header(header: list[str], path: Path, text_field: str) -> None:
    if text_field not in header:
        raise InputError(
            f"{path}, line 1: no column {text_field!r} among {', '.join(map(repr, header)) or 'none'}. "
            "Name the text's column with --text-field."
        )
    if len(set(header)) != len(header):
        raise InputError(f"{path}, line 1: a column name occurs twice.")


def _read_text(path: Path, text_field: str = "", id_field: str = "", root: Path | None = None) -> Iterator[Note]:  # noqa: ARG001
    try:
        # Bytes, not read_text: line ends stay as they are, so offsets of other tools stay right.
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8. Save it as UTF-8.") from None
    name = path.relative_to(root or path.parent).with_suffix("").as_posix()
    yield _note({"text": text, "doc_id": name}, str(path), "text", "doc_id")


def _read_folder(folder: Path, root: Path) -> Iterator[Note]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not _hidden(path, folder))
    for path in files:
        if kind_of(path) != "txt":
            raise InputError(f"{path}: a folder of notes holds .txt files only. Move this one out, or convert it.")
        yield from _read_text(path, root=root)


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _note(row: dict[str, Any], source: str, text_field: str, id_field: str) -> Note:
    text = row.get(text_field)
    if text is None:
        raise InputError(f"{source}: no {text_field!r}. Name the text's field with --text-field.")
    if not isinstance(text, str):
        raise InputError(f"{source}: {text_field!r} is {type(text).__name__}, not a string.")
    if not text.strip():
        raise InputError(f"{source}: the text is empty. Leave the row out.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{source}: the text has half of a surrogate pair, which is no character.") from None
    meta = {key: value for key, value in row.items() if key not in {text_field, id_field}}
    return Note(_identifier(row.get(id_field), text, source, id_field), text, source, meta)


def _identifier(given: object, text: str, source: str, id_field: str) -> str:
    if given is None or given == "":
        return derived_id(text)
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise InputError(f"{source}: {id_field!r} is {type(given).__name__}, not a string or a whole number.")
    return str(given)
