"""``clinical.LocalModel.v1``: a Hugging Face causal language model in this process, with the same ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Iterable as Iterables
from dataclasses import dataclass, replace
from itertools import islice
from time import perf_counter, sleep
from typing import Any, Iterable  # noqa: UP035 - spacy-llm compares these hints with typing's own

from spacy_llm.registry import registry

from clinical_distilled.answers.entries import Reply, Request, Status, request_for
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.asking import answer_of
from clinical_distilled.teachers.chat_client import Message
from clinical_distilled.teachers.follow_up import messages_for, problem_of

_POLL = 0.2  # seconds between looks at a request that another process works on


@dataclass(frozen=True)
class LocalSettings:
    """The names are those of the config (see `make_local_model`)."""

    name: str
    device: str = "cpu"
    dtype: str = "auto"
    batch_size: int = 8
    max_tokens: int = 2048
    temperature: float = 0.0
    seed: int = 0


@dataclass
class _Job:
    prompt: NotePrompt
    request: Request
    before: Reply
    problem: str | None


class LocalModel:
    """Generates answers in batches across notes; what the ledger has is not generated.

    The model is loaded at the first prompt that needs it. At temperature 0 the same prompt gives the same answer;
    above it, answers are drawn from a seed, so the same run gives the same answers.
    """

    def __init__(self, settings: LocalSettings, ledger: Ledger, context_length: int | None = None) -> None:
        self.settings, self.ledger = settings, ledger
        self.context_length = context_length
        self._loaded: tuple[Any, Any] | None = None

    def __call__(self, prompts: Iterable[Iterable[NotePrompt]]) -> Iterable[Iterable[str]]:
        """Return the answers to each document's prompts, in order."""
        documents = [list(of_one) for of_one in prompts]
        self.prefetch(prompt for of_one in documents for prompt in of_one)
        return [[self._stored(prompt) for prompt in of_one] for of_one in documents]

    def prefetch(self, prompts: Iterables[NotePrompt], done: Callable[[str], None] = lambda _: None) -> None:
        """Bring all answers into the ledger, in constant memory, and tell `done` of each."""
        stream = iter(prompts)
        while portion := list(islice(stream, self.settings.batch_size * 8)):
            jobs = [job for prompt in portion if (job := self._claim(prompt))]
            try:
                self._work(jobs)
            finally:
                for job in jobs:
                    self.ledger.release(job.request)  # those that did not come to an answer
            for prompt in portion:
                done(self._stored(prompt))

    def request(self, prompt: NotePrompt) -> Request:
        """Return the ledger's request for a prompt."""
        settings = self.settings
        parameters = {"temperature": settings.temperature, "seed": settings.seed, "max_tokens": settings.max_tokens}
        return request_for(prompt, settings.name, parameters | {"dtype": settings.dtype})

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    def _claim(self, prompt: NotePrompt) -> _Job | None:
        request = self.request(prompt)
        claim = self.ledger.claim(request, again=True)
        reply = claim.entry.reply
        return _Job(prompt, request, reply, problem_of(prompt, reply)) if claim.mine else None

    def _work(self, jobs: list[_Job]) -> None:
        # Of like length together: short prompts are not padded to the longest.
        waiting = sorted(jobs, key=lambda job: len(job.prompt))
        while waiting:
            again: list[_Job] = []
            for batch in _batches(iter(waiting), self.settings.batch_size):
                again += self._answer(batch)
            waiting = again

    def _answer(self, jobs: list[_Job]) -> list[_Job]:
        """Answer a batch; return those whose answer needs a follow-up, claimed still."""
        started = perf_counter()
        replies = self._generate(jobs)
        seconds = (perf_counter() - started) / len(jobs)
        follow_ups = []
        for job, reply in zip(jobs, replies, strict=True):
            if reply.answer is None:
                kept = replace(job.before, error=reply.error, attempts=job.before.attempts + 1, complete=True)
                self.ledger.settle(job.request, kept, Status.FAILED if kept.answer is None else Status.ANSWERED)
                continue
            problem = problem_of(job.prompt, reply) if job.before.answer is None else None
            merged = _merge(job.before, reply, seconds)
            self.ledger.settle(job.request, replace(merged, complete=problem is None), Status.ANSWERED)
            if problem and self.ledger.claim(job.request, again=True).mine:
                follow_ups.append(replace(job, before=merged, problem=problem))
        return follow_ups

    def _generate(self, jobs: list[_Job]) -> list[Reply]:
        """Return a reply for each job; one without an answer for a prompt that does not fit the model."""
        tokenizer, model = self._load()
        asked = [messages_for(str(job.prompt), job.before, job.problem, self.settings.max_tokens) for job in jobs]
        ids = [_tokens(tokenizer, messages) for messages, _ in asked]
        limit = getattr(model.config, "max_position_embeddings", None) or len(max(ids, key=len)) + asked[0][1] * 2
        fitting = [number for number, tokens in enumerate(ids) if len(tokens) < limit]
        replies = [Reply(error="context length")] * len(jobs)
        if fitting:
            longest = max(len(ids[number]) for number in fitting)
            room = min(max(asked[number][1] for number in fitting), limit - longest)
            output = _run(tokenizer, model, [ids[number] for number in fitting], room, self._sampling(jobs[0]))
            for number, tokens in zip(fitting, output, strict=True):
                replies[number] = _reply(tokenizer, model, tokens, len(ids[number]))
        return replies

    def _sampling(self, first: _Job) -> tuple[float, int]:
        return self.settings.temperature, self.settings.seed + int(first.request.key[:12], 16)

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = _load(self.settings)
        return self._loaded

    def _stored(self, prompt: NotePrompt) -> str:
        request = self.request(prompt)
        while True:
            entry = self.ledger.get(request.key)
            if entry is not None and entry.status in {Status.ANSWERED, Status.FAILED}:
                return answer_of(entry)
            if job := self._claim(prompt):
                self._work([job])
            else:
                sleep(_POLL)


@registry.llm_models("clinical.LocalModel.v1")
def make_local_model(
    *,
    name: str,
    ledger: Ledger,
    device: str = "cpu",
    dtype: str = "auto",
    batch_size: int = 8,
    max_tokens: int = 2048,
    temperature: float = 0.0,
    seed: int = 0,
    context_length: int | None = None,
) -> LocalModel:
    """Make the model from a config; `name` is a folder or a Hugging Face name.

    Raises
    ------
    InputError
        If a setting makes no sense. The model itself is looked for on first use.
    """
    if min(batch_size, max_tokens) < 1 or temperature < 0:
        raise InputError("clinical.LocalModel.v1: batch_size and max_tokens are above 0, temperature is not below 0.")
    settings = LocalSettings(name, device, dtype, batch_size, max_tokens, temperature, seed)
    return LocalModel(settings, ledger, context_length)


def _load(settings: LocalSettings) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - heavy, and only here

    try:
        # Left, so that every prompt ends where its answer begins.
        tokenizer = AutoTokenizer.from_pretrained(settings.name, padding_side="left")
        model = AutoModelForCausalLM.from_pretrained(settings.name, torch_dtype=settings.dtype, use_safetensors=True)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{settings.name}: cannot be loaded as a causal language model ({reason}).") from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, model.eval().to(settings.device)


def _tokens(tokenizer: Any, messages: list[Message]) -> list[int]:
    if tokenizer.chat_template:
        return list(tokenizer.apply_chat_template(messages, add_generation_prompt=True))
    return list(tokenizer("\n\n".join(message["content"] for message in messages) + "\n")["input_ids"])


def _run(tokenizer: Any, model: Any, ids: list[list[int]], room: int, sampling: tuple[float, int]) -> list[list[int]]:
    import torch  # noqa: PLC0415 - heavy, and only here

    temperature, seed = sampling
    torch.manual_seed(seed)
    drawn = {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
    batch = tokenizer.pad({"input_ids": ids}, return_tensors="pt").to(model.device)
    with torch.inference_mode():
        output = model.generate(**batch, max_new_tokens=room, pad_token_id=tokenizer.pad_token_id, **drawn)
    return [list(tokens) for tokens in output[:, batch["input_ids"].shape[1] :].tolist()]


def _reply(tokenizer: Any, model: Any, tokens: list[int], length: int) -> Reply:
    ends = model.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends])
    end = next((position for position, token in enumerate(tokens) if token in ends), None)
    text = tokenizer.decode(tokens[:end], skip_special_tokens=True)
    reason = "length" if end is None else "stop"
    used = len(tokens) if end is None else end + 1
    return Reply(text.strip(), reason, tokens_in=length, tokens_out=used, attempts=1)


def _merge(before: Reply, reply: Reply, seconds: float) -> Reply:
    return replace(
        reply,
        tokens_in=before.tokens_in + reply.tokens_in,
        tokens_out=before.tokens_out + reply.tokens_out,
        seconds=before.seconds + seconds,
        attempts=before.attempts + reply.attempts,
        price=0.0,
        discarded=before.discarded if before.answer is None else (*before.discarded, before.answer),
    )


def _batches(jobs: Iterator[_Job], size: int) -> Iterator[list[_Job]]:
    while batch := list(islice(jobs, size)):
        yield batch
