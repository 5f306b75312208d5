"""``clinical.ChatModel.v1``: any OpenAI-compatible server as a spacy-llm model, with every answer kept in a ledger."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from collections.abc import Iterable as Iterables
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, TypeVar  # noqa: UP035 - spacy-llm compares these hints with typing's own

from spacy_llm.registry import registry

from clinical_distilled.answers.entries import Request, Status
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.prices import FREE, Price, price_of
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.asking import Asker, answer_of
from clinical_distilled.teachers.background import Background, all_of, in_order
from clinical_distilled.teachers.chat_client import ChatClient
from clinical_distilled.teachers.chat_settings import ChatSettings
from clinical_distilled.teachers.deidentify import Deidentifier
from clinical_distilled.teachers.guard import Destination
from clinical_distilled.teachers.limits import Budget

T = TypeVar("T")
LEAD = 32  # times the concurrency: how far others may run ahead of a slow request


@dataclass
class _Running:
    """What exists only while requests are made, in one process."""

    pid: int
    background: Background
    asker: Asker
    client: ChatClient


class ChatModel:
    """Asks a chat server, many prompts at once; what the ledger has is not asked.

    Nothing is opened, read from the environment or sent before the first prompt.

    Attributes
    ----------
    max_cost : float or None
        US dollars the ledger may have spent; the request that might exceed it is not sent.
    """

    def __init__(
        self,
        settings: ChatSettings,
        destination: Destination,
        ledger: Ledger,
        *,
        api_key_env: str | None = None,
        timeout: float = 120.0,
        prices: Path | None = None,
        deidentify: Deidentifier | None = None,
        context_length: int | None = None,
    ) -> None:
        self.settings, self.destination, self.ledger = settings, destination, ledger
        self.context_length = context_length
        self.max_cost: float | None = None
        self.deidentify = deidentify
        self._api_key_env, self._timeout, self._prices = api_key_env, timeout, prices
        self._running: _Running | None = None

    def __call__(self, prompts: Iterable[Iterable[NotePrompt]]) -> Iterable[Iterable[str]]:
        """Yield the answers to each document's prompts, in order; a `FailedAnswer` where there is none."""
        self.destination.check()
        documents = (list(of_one) for of_one in prompts)
        return in_order(documents, self._start_all, self.settings.max_concurrency * LEAD)

    def prefetch(self, prompts: Iterables[NotePrompt], done: Callable[[str], None] = lambda _: None) -> None:
        """Bring all answers into the ledger, as fast as the server gives them, in constant memory.

        A pipeline that runs afterwards finds them there. This is how `teach` keeps every slot busy: spacy-llm's
        component hands over one batch of documents after another and waits for the slowest of each.

        Parameters
        ----------
        done
            Told of each answer as it lands (from another thread).
        """
        self.destination.check()
        all_of(prompts, self._start, self.settings.max_concurrency * 4, done)

    def request(self, prompt: NotePrompt) -> Request:
        """Return the ledger's request for a prompt."""
        return self.settings.request(prompt, deidentified=self.deidentify is not None)

    @property
    def client(self) -> ChatClient:
        """The connection to the server."""
        return self._run().client

    def in_background(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the model's event loop and return its result."""
        return self._run().background.submit(work).result()

    @property
    def price(self) -> Price | None:
        """What the model costs; a server inside the building is free unless a price is given; None: not known."""
        known = price_of(self.settings.model, self._prices)
        return known if known or not self.destination.is_private else FREE

    def close(self) -> None:
        """Close connections and ledger; the next prompt opens them again."""
        if self._running and self._running.pid == os.getpid():
            self._running.background.submit(self._running.client.close()).result()
            self._running.background.close()
        self._running = None
        self.ledger.close()

    def _start(self, prompt: NotePrompt) -> Future[str]:
        known = self._known(prompt)
        return self._run().background.submit(self._run().asker.ask(prompt)) if known is None else _done(known)

    def _start_all(self, prompts: list[NotePrompt]) -> Future[list[str]]:
        known = [answer for prompt in prompts if (answer := self._known(prompt)) is not None]
        if len(known) == len(prompts):
            return _done(known)
        return self._run().background.submit(_together([self._run().asker.ask(prompt) for prompt in prompts]))

    def _known(self, prompt: NotePrompt) -> str | None:
        entry = self.ledger.get(self.request(prompt).key)
        if entry is None or entry.status not in {Status.ANSWERED, Status.FAILED} or not entry.reply.complete:
            return None
        return answer_of(entry)

    def _run(self) -> _Running:
        if self._running is None or self._running.pid != os.getpid():  # a forked worker starts its own
            client = ChatClient(self.destination, self._api_key_env, self.settings.max_concurrency, self._timeout)
            asker = Asker(
                self.settings,
                self.ledger,
                client,
                price=self.price,
                budget=self._budget(),
                deidentify=self.deidentify,
            )
            self.destination.announce(f"{self.settings.model}: notes{', de-identified,' if self.deidentify else ''}")
            self._running = _Running(os.getpid(), Background(), asker, client)
        return self._running

    def _budget(self) -> Budget | None:
        if self.max_cost is None:
            return None
        if self.price is None:
            raise InputError(
                f"The price of {self.settings.model} is not known, so a budget cannot be kept. "
                "Name a price table in the config's `prices` (docs/teachers.md)."
            )
        return Budget(self.ledger, self.price, self.max_cost)


@registry.llm_misc("clinical.Ledger.v1")
def make_ledger(path: str) -> Ledger:
    """Return the ledger in the file `path`, made on first use."""
    return Ledger(Path(path))


@registry.llm_models("clinical.ChatModel.v1")
def make_chat_model(
    *,
    base_url: str,
    model: str,
    ledger: Ledger,
    api_key_env: str | None = None,
    allow_remote: bool = False,
    private_hosts: list[str] | None = None,
    proxy: str | None = None,
    max_concurrency: int = 16,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    temperature: float | None = 0.0,
    seed: int | None = 0,
    max_tokens: int = 2048,
    max_tokens_name: str = "max_tokens",
    structured: bool = True,
    extra: dict[str, Any] | None = None,
    timeout: float = 120.0,
    max_attempts: int = 8,
    context_length: int | None = None,
    prices: str | None = None,
    deidentify: Deidentifier | None = None,
) -> ChatModel:
    """Make the model from a config; ``docs/teachers.md`` explains every setting.

    Raises
    ------
    InputError
        If a setting makes no sense. Whether notes may go to `base_url` is checked on first use.
    """
    if min(max_concurrency, max_tokens, max_attempts) < 1 or timeout <= 0:
        raise InputError("clinical.ChatModel.v1: max_concurrency, max_tokens, max_attempts and timeout are above 0.")
    settings = ChatSettings(
        model=model,
        temperature=temperature,
        seed=seed,
        max_tokens=max_tokens,
        max_tokens_name=max_tokens_name,
        structured=structured,
        extra=extra or {},
        max_concurrency=max_concurrency,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        max_attempts=max_attempts,
    )
    destination = Destination(base_url, allow_remote, tuple(private_hosts or ()), proxy)
    return ChatModel(
        settings,
        destination,
        ledger,
        api_key_env=api_key_env,
        timeout=timeout,
        prices=Path(prices) if prices else None,
        deidentify=deidentify,
        context_length=context_length,
    )


async def _together(asks: list[Coroutine[Any, Any, str]]) -> list[str]:
    """Return all answers; if one raises, the others end first."""
    answers = await asyncio.gather(*asks, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if isinstance(answer, str)]


def _done(value: T) -> Future[T]:
    future: Future[T] = Future()
    future.set_result(value)
    return future
