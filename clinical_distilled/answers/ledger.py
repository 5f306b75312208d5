"""The ledger: a SQLite file with one row per request to a model, written the moment its reply lands.

A row is found by its key, the hash of everything that decides the answer (`entries.request_key`), or, for answers
recorded elsewhere, by the hash of the note (`entries.recorded_key`). Neither the prompt nor the note is stored; the raw
answer is, and it quotes the note, so a ledger is patient data: its mode is 0600. Several processes may use one
ledger at once: each request is claimed before it is sent (`Ledger.claim`), and a claim ends with its owner.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from clinical_distilled.answers.entries import (
    COLUMNS,
    REPLY_COLUMNS,
    REQUEST_COLUMNS,
    Entry,
    Reply,
    Request,
    Status,
    from_row,
    now,
    reply_values,
    to_row,
)
from clinical_distilled.answers.owners import Owner
from clinical_distilled.errors import InputError

VERSION = 1  # of the schema, in SQLite's user_version
_CHUNK = 500  # rows read at a time
_SCHEMA = f"""
CREATE TABLE answers (
  key TEXT PRIMARY KEY, doc_id TEXT NOT NULL, note_sha256 TEXT NOT NULL, prompt_sha256 TEXT NOT NULL,
  model TEXT NOT NULL, task TEXT NOT NULL, parameters TEXT NOT NULL, sample INTEGER NOT NULL,
  characters INTEGER NOT NULL,
  answer TEXT, finish_reason TEXT NOT NULL DEFAULT '', tokens_in INTEGER NOT NULL DEFAULT 0,
  tokens_out INTEGER NOT NULL DEFAULT 0, tokens_cached INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, price REAL, error TEXT NOT NULL DEFAULT '',
  discarded TEXT NOT NULL DEFAULT '[]', complete INTEGER NOT NULL DEFAULT 1,
  status TEXT NOT NULL, owner TEXT NOT NULL DEFAULT '', time TEXT NOT NULL DEFAULT ''
);
CREATE INDEX answers_doc_id ON answers (doc_id);
CREATE INDEX answers_prompt ON answers (prompt_sha256);
CREATE TABLE spending (total REAL NOT NULL);
INSERT INTO spending VALUES (0);
PRAGMA user_version = {VERSION};
"""  # noqa: S608 - a number of ours, no user's text
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM answers"  # noqa: S608
_CLAIM = (
    f"INSERT INTO answers ({', '.join(REQUEST_COLUMNS)}, status, owner) "  # noqa: S608
    f"VALUES ({', '.join('?' * len(REQUEST_COLUMNS))}, 'asked', ?) "
    "ON CONFLICT (key) DO UPDATE SET status = 'asked', owner = excluded.owner"
)


class ConflictError(ValueError):
    """Two different answers for one key; `doc_id` says for which document."""

    def __init__(self, doc_id: str) -> None:
        super().__init__(f"two different answers for {doc_id!r}")
        self.doc_id = doc_id


class Claim(NamedTuple):
    """The state of a request after `Ledger.claim`: `mine` to send and settle, or not."""

    mine: bool
    entry: Entry


class Ledger:
    """A store of answers, safe to use from several threads and processes.

    Parameters
    ----------
    path
        The file; made on first use, with mode 0600. None keeps everything in memory.
    read_only
        Only look up. The file must exist.

    Raises
    ------
    InputError
        On first use, if the file is not a ledger, or is one of a later version.
    """

    def __init__(self, path: Path | None = None, *, read_only: bool = False) -> None:
        self.path, self.read_only = path, read_only
        self._lock = threading.RLock()
        self._pid = 0
        self._connection: sqlite3.Connection | None = None
        self._owner: Owner | None = None
        self._inherited: list[object] = []

    def get(self, key: str) -> Entry | None:
        """Return the row with this key."""
        rows = self.select("key = ?", [key])
        return next(rows, None)

    def select(self, where: str = "1", values: Iterable[object] = ()) -> Iterator[Entry]:
        """Yield rows in the order of their keys; `where` is SQL of ours, `values` fill its question marks."""
        with self._lock:
            cursor = self._open().execute(f"{_SELECT} WHERE {where} ORDER BY key", tuple(values))
        while True:
            with self._lock:
                rows = cursor.fetchmany(_CHUNK)
            if not rows:
                return
            yield from map(from_row, rows)

    def claim(self, request: Request, owner: str = "", *, again: bool = False) -> Claim:
        """Take a request on, unless it is done or a live owner has it.

        Parameters
        ----------
        owner
            Who answers for it; by default this process, otherwise the name of a batch job.
        again
            Take an answered request too, for the follow-up it still needs.

        Returns
        -------
        Claim
            If `mine`, the caller sends the request and settles or releases it; what the row already holds of
            earlier attempts is in the entry. If not, and the status is ``ASKED``, it is being asked elsewhere:
            look again later.
        """
        me = owner or self.owner
        with self._transaction() as connection:
            row = connection.execute(f"{_SELECT} WHERE key = ?", (request.key,)).fetchone()
            found = from_row(row) if row else None
            if found and not self._is_free(found, again=again):
                return Claim(False, found)
            connection.execute(_CLAIM, (*(getattr(request, name) for name in REQUEST_COLUMNS), me))
        return Claim(True, Entry(request, found.reply if found else Reply(), Status.ASKED, me))

    def settle(self, request: Request, reply: Reply, status: Status) -> None:
        """Write what came of a claimed request; its price is added to what was spent."""
        values = dict(zip(REPLY_COLUMNS, reply_values(reply), strict=True)) | {
            "status": status.value,
            "owner": "",
            "time": now(),
        }
        with self._transaction() as connection:
            before = connection.execute("SELECT price FROM answers WHERE key = ?", (request.key,)).fetchone()
            connection.execute(
                f"UPDATE answers SET {', '.join(f'{name} = ?' for name in values)} WHERE key = ?",  # noqa: S608
                (*values.values(), request.key),
            )
            paid = (reply.price or 0.0) - ((before and before[0]) or 0.0)
            connection.execute("UPDATE spending SET total = total + ?", (paid,))

    def release(self, request: Request) -> None:
        """Give a claim back unsent."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE answers SET owner = '', status = CASE WHEN answer IS NULL THEN 'open' ELSE 'answered' END "
                "WHERE key = ? AND status = 'asked'",
                (request.key,),
            )

    def hand_over(self, requests: Iterable[Request], owner: str) -> None:
        """Let another owner, such as a batch job, answer for claims of this process."""
        with self._transaction() as connection:
            sql = "UPDATE answers SET owner = ? WHERE key = ? AND status = 'asked'"
            connection.executemany(sql, [(owner, request.key) for request in requests])

    def is_alive(self, owner: str) -> bool:
        """Say whether the process called `owner` still runs with this ledger open."""
        return owner == self.owner or (self._owner is not None and self._owner.is_alive(owner))

    def insert(self, entries: Iterable[Entry]) -> int:
        """Add finished rows as they are, all or none, and return how many were new.

        Raises
        ------
        ConflictError
            If a row's key is here with another answer. Whatever `entries` raises passes through.
        """
        added = 0
        marks = ", ".join("?" * len(COLUMNS))
        with self._transaction() as connection:
            for entry in entries:
                key = (entry.request.key,)
                row = connection.execute("SELECT status, answer FROM answers WHERE key = ?", key).fetchone()
                if row is None or Status(row[0]) in {Status.OPEN, Status.ASKED}:
                    connection.execute(f"INSERT OR REPLACE INTO answers VALUES ({marks})", to_row(entry))  # noqa: S608
                    added += 1
                elif row[1] != entry.reply.answer:
                    raise ConflictError(entry.request.doc_id)
        return added

    def delete(self, where: str, values: Iterable[object] = ()) -> int:
        """Remove rows for good, also from the file's free pages and its log; return how many."""
        with self._transaction() as connection:
            count = connection.execute(f"DELETE FROM answers WHERE {where}", tuple(values)).rowcount  # noqa: S608
        with self._lock:
            self._open().execute("VACUUM")
            self._open().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(count)

    def query(self, sql: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        """Run a question of ours in SQL (statistics, integrity check)."""
        with self._lock:
            return list(self._open().execute(sql, tuple(values)))

    @property
    def spent(self) -> float:
        """US dollars paid for everything this ledger ever held, as far as prices are known."""
        return float(self.query("SELECT total FROM spending")[0][0])

    @property
    def owner(self) -> str:
        """The name of this process among the owners of claims."""
        with self._lock:
            self._open()
            if self._owner is None and self.path is not None:
                self._owner = Owner(self.path)
            return self._owner.name if self._owner else "memory"

    def close(self) -> None:
        """Close the file and let go of what is still claimed."""
        with self._lock:
            if self._pid == os.getpid():
                if self._connection:
                    self._connection.close()
                if self._owner:
                    self._owner.close()
            self._connection, self._owner = None, None

    def _is_free(self, entry: Entry, *, again: bool) -> bool:
        if entry.status is Status.OPEN or (again and entry.status is Status.ANSWERED and not entry.reply.complete):
            return True
        if entry.status is not Status.ASKED or self._owner is None:
            return False
        if entry.owner == self._owner.name or self._owner.is_alive(entry.owner):
            return False
        self._owner.forget(entry.owner)
        return True

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid == os.getpid():
            return self._connection
        if self._connection is not None:
            # A forked worker: the parent's handles are kept, not closed, or the parent's locks would go.
            self._inherited += [self._connection, self._owner]
            self._owner = None
        self._connection, self._pid = _connect(self.path, self.read_only), os.getpid()
        return self._connection


def _connect(path: Path | None, read_only: bool) -> sqlite3.Connection:
    if path is None:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.executescript(_SCHEMA)
        return connection
    if read_only and not path.is_file():
        raise InputError(f"{path}: no such file. Name a ledger or a file of recorded answers.")
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
    connection = sqlite3.connect(
        _uri(path, read_only), uri=True, timeout=60, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection, path, read_only)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise InputError(f"{path}: cannot be used as a ledger ({error}). Is it another kind of file?") from None
    except InputError:
        connection.close()
        raise
    return connection


def _uri(path: Path, read_only: bool) -> str:
    uri = path.resolve().as_uri()
    if not read_only:
        return uri
    # In a directory that cannot be written SQLite cannot keep its shared index: nobody else writes there either.
    return f"{uri}?mode=ro" if os.access(path.parent, os.W_OK) else f"{uri}?immutable=1"


def _prepare(connection: sqlite3.Connection, path: Path, read_only: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing; only a power cut may take the last few commits.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")  # two processes may find it new at once
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0 and not connection.execute("SELECT name FROM sqlite_master").fetchone():
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            version = VERSION
        connection.execute("COMMIT")
    if version != VERSION:
        raise InputError(
            f"{path}: not a ledger of version {VERSION} (found {version}). Update this library, or name another file."
        )
