"""Asking a chat server for the answer to one prompt: claimed in the ledger, within limits, tried again, followed up.

An answer that was cut off is asked for once more with more room, one that cannot be read once more with what is wrong
with it. Whatever else goes wrong with a note ends as an error in its row of the ledger, and costs no other note.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from clinical_distilled.answers.entries import Entry, Reply, Request, Status
from clinical_distilled.answers.ledger import Claim, Ledger
from clinical_distilled.answers.owners import PARKED
from clinical_distilled.answers.prices import Price
from clinical_distilled.answers.requests import FailedAnswer, NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.chat_client import (
    AskError,
    ChatClient,
    Completion,
    FinalError,
    Message,
    PassingError,
)
from clinical_distilled.teachers.chat_settings import ChatSettings
from clinical_distilled.teachers.deidentify import Deidentifier
from clinical_distilled.teachers.follow_up import messages_for, problem_of
from clinical_distilled.teachers.limits import Budget, Limits
from clinical_distilled.teachers.retry import with_retries

FAILURES_IN_A_ROW = 50  # then it is the server or the config, not the notes


class Asker:
    """Asks one server; all its methods belong to one event loop.

    Parameters
    ----------
    price
        None: not known, nothing is counted.
    budget
        None: no limit.
    """

    def __init__(
        self,
        settings: ChatSettings,
        ledger: Ledger,
        client: ChatClient,
        *,
        price: Price | None,
        budget: Budget | None,
        deidentify: Deidentifier | None,
    ) -> None:
        self._settings, self._ledger, self._client = settings, ledger, client
        self._price, self._budget, self._deidentify = price, budget, deidentify
        self._limits = Limits(settings)
        self._failures_in_a_row = 0
        self._given_up: set[str] = set()

    async def ask(self, prompt: NotePrompt) -> str:
        """Return the answer to a prompt, or a `FailedAnswer`.

        Raises
        ------
        InputError
            If no further note should be asked: the budget is reached, the server redirects, or everything fails.
        """
        request = self._settings.request(prompt, deidentified=self._deidentify is not None)
        claim = await self._claim(request)
        if not claim.mine:
            return answer_of(claim.entry)
        try:
            reply, status = await self._work(request, prompt, claim.entry.reply)
        except BaseException:
            self._ledger.release(request)
            raise
        if status is Status.ANSWERED and not reply.complete and request.key not in self._given_up:
            return await self.ask(prompt)  # as if a later run found it: for its follow-up
        self._watch(reply)
        return answer_of(Entry(request, reply, status))

    async def _claim(self, request: Request) -> Claim:
        pause = 0.02
        while True:
            if request.key in self._given_up and (entry := self._ledger.get(request.key)):
                return Claim(False, entry)
            claim = self._ledger.claim(request, again=True)
            if claim.mine or claim.entry.status is not Status.ASKED:
                return claim
            if claim.entry.owner.startswith(PARKED):
                return Claim(
                    False, replace(claim.entry, reply=Reply(error="waits in a batch job: teach --batch collect"))
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)

    async def _work(self, request: Request, prompt: NotePrompt, before: Reply) -> tuple[Reply, Status]:
        problem = problem_of(prompt, before)
        if before.answer is not None and problem is None:
            outcome = replace(before, complete=True), Status.ANSWERED
            self._ledger.settle(request, *outcome)
            return outcome
        messages, room = await self._messages(prompt, before, problem)
        characters = sum(len(message["content"]) for message in messages)
        held = await self._budget.hold(characters, room) if self._budget else 0.0
        try:
            outcome = await self._send(request, prompt, before, messages, room)
            self._ledger.settle(request, *outcome)
        finally:
            if self._budget:
                await self._budget.let_go(held)
        return outcome

    async def _messages(self, prompt: NotePrompt, before: Reply, problem: str | None) -> tuple[list[Message], int]:
        text = await asyncio.to_thread(self._deidentify, prompt) if self._deidentify else str(prompt)
        return messages_for(text, before, problem, self._settings.max_tokens)

    async def _send(
        self, request: Request, prompt: NotePrompt, before: Reply, messages: Sequence[Message], room: int
    ) -> tuple[Reply, Status]:
        body = self._settings.body(prompt, messages, room)
        tokens = sum(len(message["content"]) for message in messages) / 4 + room / 4
        attempts, started = 0, perf_counter()

        async def once() -> Completion:
            nonlocal attempts
            async with self._limits.slots:
                await self._limits.wait(tokens)
                attempts += 1
                completion = await self._client.complete(body)
            if not completion.text.strip() and (prompt.check is None or prompt.check("") is not None):
                raise PassingError("empty answer")
            return completion

        try:
            completion = await with_retries(once, self._settings.max_attempts)
        except AskError as error:
            seconds = before.seconds + perf_counter() - started
            reply = replace(before, error=str(error), attempts=before.attempts + attempts, seconds=seconds)
            return self._failed(request, reply, error)
        reply = self._add(before, completion, attempts, perf_counter() - started)
        follow_up = before.answer is not None
        return replace(reply, complete=follow_up or problem_of(prompt, reply) is None), Status.ANSWERED

    def _failed(self, request: Request, reply: Reply, error: AskError) -> tuple[Reply, Status]:
        final = isinstance(error, FinalError)
        if not final:
            self._given_up.add(request.key)  # by this run
        if reply.answer is not None:  # it was a follow-up: the first answer, such as it is, stays
            return replace(reply, complete=final), Status.ANSWERED
        return reply, Status.FAILED if final else Status.OPEN

    def _add(self, before: Reply, completion: Completion, attempts: int, seconds: float) -> Reply:
        counts = completion.tokens_in, completion.tokens_out, completion.tokens_cached
        price = before.price if self._price is None else (before.price or 0.0) + self._price.of(*counts)
        return Reply(
            answer=completion.text,
            finish_reason=completion.finish_reason,
            tokens_in=before.tokens_in + counts[0],
            tokens_out=before.tokens_out + counts[1],
            tokens_cached=before.tokens_cached + counts[2],
            seconds=before.seconds + seconds,
            attempts=before.attempts + attempts,
            price=price,
            discarded=before.discarded if before.answer is None else (*before.discarded, before.answer),
        )

    def _watch(self, reply: Reply) -> None:
        self._failures_in_a_row = self._failures_in_a_row + 1 if reply.error else 0
        if self._failures_in_a_row >= FAILURES_IN_A_ROW:
            raise InputError(
                f"{self._settings.model}: {FAILURES_IN_A_ROW} requests in a row failed, the last with: "
                f"{reply.error}. Stopped; every answer so far is kept. Look at server and config, then run again."
            )


def answer_of(entry: Entry) -> str:
    """Return a finished row's answer, or a `FailedAnswer` with its error."""
    if entry.status is Status.ANSWERED and entry.reply.answer is not None:
        return entry.reply.answer
    return FailedAnswer.make(entry.reply.error or entry.status.value)
