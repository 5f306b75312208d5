"""Files: read JSON lines with an error that names the line, write so that nothing is ever half there."""

import gzip
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from clinical_distilled.errors import InputError

_BLOCK = 1 << 20


def text_sha256(text: str) -> str:
    """Return the SHA-256 of a text's UTF-8 bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def folder_sha256(path: Path) -> str:
    """Return one SHA-256 for all files below a folder: their relative names and contents."""
    digest = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(f"{file_sha256(file)}  {file.relative_to(path).as_posix()}\n".encode())
    return digest.hexdigest()


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read a JSON lines file, gzipped where its name ends in ``.gz``.

    Yields
    ------
    tuple of int and dict
        The line number, from 1, and the object on it. Blank lines are passed over.

    Raises
    ------
    InputError
        If the file is missing or not UTF-8, or a line is not a JSON object; names file and line.
    """
    number = 0
    try:
        with _open_text(path) as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _json_object(line, path, number)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file.") from None
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise InputError(
            f"{path}: cannot be read after line {number} ({type(error).__name__}). "
            "Save it as UTF-8 JSON lines, or gzip it anew."
        ) from None


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; it takes its place only when the block ends well.

    An interrupted or failed write leaves what was there before as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp gives 0600; an ordinary output file follows the user's umask like any other.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    """Write `value` as indented JSON, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object per line, atomically; gzipped where the name ends in ``.gz``."""
    with atomic_path(path) as temporary, temporary.open("wb") as raw:
        # A fixed time stamp: the same rows give the same bytes.
        stream: IO[bytes] = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else raw  # type: ignore[assignment]
        for row in rows:
            stream.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
        if stream is not raw:
            stream.close()


def _open_text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8")
    return path.open(encoding="utf-8")


def _json_object(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {number}: not JSON ({error.msg}, column {error.colno}).") from None
    if not isinstance(row, dict):
        raise InputError(f"{path}, line {number}: expected a JSON object, found {type(row).__name__}.")
    return row
