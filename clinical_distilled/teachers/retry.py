"""How often and how long to try again: exponential waiting with jitter, and never less than the server asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from clinical_distilled.teachers.chat_client import PassingError

LONGEST_WAIT = 300.0  # seconds; a server that asks for more is left for a later run
_BACKOFF = wait_random_exponential(multiplier=0.5, max=60.0)

T = TypeVar("T")


async def with_retries(ask: Callable[[], Awaitable[T]], attempts: int) -> T:
    """Call `ask` until it does not raise `PassingError`, at most `attempts` times; the last error passes through."""
    retrying = AsyncRetrying(
        stop=stop_after_attempt(attempts), wait=_wait, retry=retry_if_exception(_worth_waiting), reraise=True
    )
    return await retrying(ask)


def _worth_waiting(error: BaseException) -> bool:
    return isinstance(error, PassingError) and error.wait <= LONGEST_WAIT


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, PassingError) else 0.0
    # Jitter on top: all who were told the same time must not come back at once.
    return asked + min(_BACKOFF(state), 1.0) if asked else _BACKOFF(state)
