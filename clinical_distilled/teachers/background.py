"""An event loop in a thread of its own, and how a stream of prompts goes through it.

Two ways: `in_order` gives results back as they were asked for, with a long lead, so that a slow one is waited for while
the others go on; `all_of` gives nothing back and never waits for a particular one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Background:
    """An event loop that runs in a daemon thread until closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="requests", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, R]) -> Future[R]:
        """Start a coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Stop the loop; what still runs is cancelled."""
        self.submit(_cancel_all()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def in_order(items: Iterable[T], start: Callable[[T], Future[R]], lead: int) -> Iterator[R]:
    """Yield the results of `start` in the order of the items, with at most `lead` under way or waiting.

    If one fails, those under way end first (they are paid for), then its error is raised.
    """
    window: deque[Future[R]] = deque()
    try:
        for item in items:
            window.append(start(item))
            while window and (len(window) >= lead or window[0].done()):
                yield window.popleft().result()
        while window:
            yield window.popleft().result()
    except Exception:
        for future in window:
            future.exception()
        raise
    finally:
        for future in window:  # nothing, unless the user ends it
            future.cancel()


def all_of(items: Iterable[T], start: Callable[[T], Future[R]], most: int, done: Callable[[R], None]) -> None:
    """Run `start` for all items, at most `most` at a time in whatever order they end, and tell `done` of each.

    At the first error no further item is started; those under way end, then it is raised.
    """
    crowd = _Crowd(most, done)
    try:
        for item in items:
            if not crowd.make_room():
                break
            crowd.add(start(item))
    except Exception as error:
        crowd.errors.insert(0, error)
    except BaseException:  # the user ends it: do not wait
        crowd.cancel()
        raise
    crowd.wait()
    if crowd.errors:
        raise crowd.errors[0]


class _Crowd(Generic[R]):
    """Futures under way, a limited number, in no order."""

    def __init__(self, most: int, done: Callable[[R], None]) -> None:
        self.errors: list[BaseException] = []
        self._most, self._done = most, done
        self._slots = threading.Semaphore(most)
        self._futures: set[Future[R]] = set()
        self._lock = threading.Lock()

    def make_room(self) -> bool:
        self._slots.acquire()
        if self.errors:
            self._slots.release()
        return not self.errors

    def add(self, future: Future[R]) -> None:
        with self._lock:
            self._futures.add(future)
        future.add_done_callback(self._landed)

    def cancel(self) -> None:
        with self._lock:
            futures = list(self._futures)
        for future in futures:
            future.cancel()

    def wait(self) -> None:
        for _ in range(self._most):
            self._slots.acquire()

    def _landed(self, future: Future[R]) -> None:
        with self._lock:
            self._futures.discard(future)
            if not future.cancelled():
                if error := future.exception():
                    self.errors.append(error)
                else:
                    self._done(future.result())
        self._slots.release()
