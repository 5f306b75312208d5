"""Who holds a claim in a ledger: one locked file per live process, released by the kernel however it ends.

A lock, unlike a lease with a time limit, never runs out while its owner lives (no request paid twice on a busy
machine) and is free the moment its owner is killed (no waiting on restart). SQLite in WAL mode works on one
machine only, so the same kernel sees all owners.
"""

import os
import uuid
import weakref
from pathlib import Path

from filelock import FileLock, Timeout

PARKED = "batch:"  # prefix of owners that are no process: a batch job at a provider keeps its claims until collected


class Owner:
    """The name of this process in a ledger, alive until closed or killed.

    Parameters
    ----------
    ledger
        The ledger's file; lock files stand beside it and are removed by `close`.
    """

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self.name = uuid.uuid4().hex
        lock = _lock(ledger, self.name)
        lock.acquire()
        self._finalizer = weakref.finalize(self, _let_go, lock, _lock_path(ledger, self.name), os.getpid())

    def is_alive(self, name: str) -> bool:
        """Say whether the owner called `name` may still answer what it claimed."""
        if name == self.name or name.startswith(PARKED):
            return True
        if not _lock_path(self._ledger, name).exists():
            return False
        probe = _lock(self._ledger, name)
        try:
            probe.acquire(timeout=0)
        except Timeout:
            return True
        probe.release()
        return False

    def forget(self, name: str) -> None:
        """Remove the lock file of an owner that is dead."""
        _lock_path(self._ledger, name).unlink(missing_ok=True)

    def close(self) -> None:
        """Give up the name: what it still claims may be taken over."""
        self._finalizer()


def _let_go(lock: FileLock, path: Path, pid: int) -> None:
    if os.getpid() == pid:  # not in a forked worker, which shares the lock
        lock.release()
        path.unlink(missing_ok=True)


def _lock_path(ledger: Path, name: str) -> Path:
    return ledger.with_name(f".{ledger.name}.{name}.lock")


def _lock(ledger: Path, name: str) -> FileLock:
    return FileLock(_lock_path(ledger, name), mode=0o600, thread_local=False)
