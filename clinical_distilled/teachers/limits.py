"""Limits: requests at once and a minute, tokens a minute, and the money that may be spent."""

from __future__ import annotations

import asyncio

from aiolimiter import AsyncLimiter

from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.prices import Price
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.chat_settings import ChatSettings


class Limits:
    """How many requests at once, how many a minute, how many tokens a minute."""

    def __init__(self, settings: ChatSettings) -> None:
        self.slots = asyncio.Semaphore(settings.max_concurrency)
        self._requests = _limiter(settings.requests_per_minute)
        self._tokens = AsyncLimiter(settings.tokens_per_minute, 60) if settings.tokens_per_minute else None

    async def wait(self, tokens: float) -> None:
        """Wait until one more request of about so many tokens is within the limits."""
        if self._requests:
            await self._requests.acquire()
        if self._tokens:
            await self._tokens.acquire(min(tokens, self._tokens.max_rate))


def worst_case(price: Price, characters: int, max_tokens: int) -> float:
    """Return what a request may cost at most, in US dollars.

    Clinical English has about four characters to a token; half of that is taken as the worst case.
    """
    return price.of(characters // 2 + 100, max_tokens)


class BudgetError(InputError):
    """The next request might exceed the budget; nothing of what was paid is lost."""


class Budget:
    """Sends a request only if even its worst case stays within what may be spent.

    The worst case of every request under way is held back until its real price is known.

    Parameters
    ----------
    limit
        US dollars the ledger may have spent in all, over every run.
    price
        The model's price.
    """

    def __init__(self, ledger: Ledger, price: Price, limit: float) -> None:
        self._ledger, self._price, self._limit = ledger, price, limit
        self._held = 0.0
        self._settled = asyncio.Condition()

    async def hold(self, characters: int, max_tokens: int) -> float:
        """Set the worst case of a request aside, waiting for others to settle if that makes room; return it.

        Raises
        ------
        BudgetError
            If the limit is reached.
        """
        worst = worst_case(self._price, characters, max_tokens)
        async with self._settled:
            while (spent := self._ledger.spent) + self._held + worst > self._limit:
                if not self._held:
                    raise BudgetError(
                        f"The budget of ${self._limit:.2f} is reached: ${spent:.4f} is spent, and the next request may "
                        f"cost ${worst:.4f}. Everything answered is kept; run again with a higher --max-cost to go on."
                    )
                await self._settled.wait()
            self._held += worst
        return worst

    async def let_go(self, held: float) -> None:
        """Give back what was set aside: the ledger has the real price now."""
        async with self._settled:
            self._held = max(0.0, self._held - held) if self._held - held > 1e-12 else 0.0
            self._settled.notify_all()


def _limiter(per_minute: float | None) -> AsyncLimiter | None:
    if not per_minute:
        return None
    burst = max(1.0, per_minute / 60)  # what a second allows, so that the minute does not begin with all of it
    return AsyncLimiter(burst, 60 * burst / per_minute)
