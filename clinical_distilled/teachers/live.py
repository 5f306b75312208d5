"""Live models inside a teacher's pipeline: their prompts, fetched ahead, reckoned up or handed to a batch API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy_llm.ty import supports_sharding
from tqdm import tqdm
from wasabi import msg

from clinical_distilled.answers.requests import FailedAnswer, NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.teachers import batch
from clinical_distilled.teachers.chat_model import ChatModel
from clinical_distilled.teachers.estimate import estimate, sample
from clinical_distilled.teachers.local_model import LocalModel

LiveModel = ChatModel | LocalModel


def live_components(nlp: Language) -> list[tuple[str, Any, LiveModel]]:
    """Return name, component and model of each component that asks a live model, in the order of the pipeline."""
    pipes = [(name, pipe, getattr(pipe, "_model", None)) for name, pipe in nlp.pipeline]
    return [(name, pipe, model) for name, pipe, model in pipes if isinstance(model, (ChatModel, LocalModel))]


def chat_components(nlp: Language) -> list[tuple[str, Any, ChatModel]]:
    """Return those that ask a server."""
    return [(name, pipe, model) for name, pipe, model in live_components(nlp) if isinstance(model, ChatModel)]


def prompts_of(nlp: Language, name: str, docs: Iterable[Doc]) -> Iterator[NotePrompt]:
    """Yield the prompts a component makes of documents, which run through the components before it first."""
    component: Any = nlp.get_pipe(name)
    with nlp.select_pipes(enable=nlp.pipe_names[: nlp.pipe_names.index(name)]):
        prepared = nlp.pipe(docs) if nlp.pipe_names else docs
        if not supports_sharding(component.task):
            yield from component.task.generate_prompts(prepared)
            return
        for prompts, _ in component.task.generate_prompts(prepared, getattr(component._model, "context_length", None)):
            yield from prompts


def prefetch(nlp: Language, docs: Sequence[Doc], title: str) -> None:
    """Bring the answers of a pipeline's live models for all documents into their ledgers.

    The pipeline that runs afterwards only looks them up; so requests stay as many at once as the config allows,
    whatever the batches of documents are.
    """
    for name, _, model in live_components(nlp):
        failed = 0
        with tqdm(desc=f"{title} {name}", unit=" answers", leave=False) as progress:

            def landed(answer: str, progress: tqdm = progress) -> None:
                nonlocal failed
                failed += isinstance(answer, FailedAnswer)
                progress.update()

            model.prefetch(prompts_of(nlp, name, docs), landed)
        if failed:
            msg.warn(f"{title} {name}: {failed} requests have no answer; the notes are counted as problems.")


def set_budget(nlp: Language, max_cost: float | None) -> None:
    """Let a pipeline's chat models spend at most so many US dollars, each ledger over all its runs."""
    for _, _, model in chat_components(nlp):
        model.max_cost = max_cost


def print_estimate(nlp: Language, docs: Sequence[Doc], title: str) -> None:
    """Print what a pipeline's chat models will take for these documents; nothing is sent."""
    for name, _, model in chat_components(nlp):
        positions = sample(len(docs))
        if not positions:
            continue
        prompts = list(prompts_of(nlp, name, [docs[position] for position in positions]))
        msg.info(f"{title} {name}: {model.settings.model}", estimate(model, prompts, len(positions) / len(docs)))


def submit(nlp: Language, docs: Sequence[Doc], title: str) -> None:
    """Hand in what a pipeline's chat models still have to ask about these documents, as batch jobs."""
    for name, _, model in _batchable(nlp):
        count = batch.submit(model, prompts_of(nlp, name, docs))
        msg.good(f"{title} {name}: {count} requests handed in. Collect with --batch collect.")


def collect(nlp: Language, title: str) -> bool:
    """Collect the answers of a pipeline's batch jobs; return whether none is still out."""
    out = 0
    for name, _, model in _batchable(nlp):
        collected = batch.collect(model)
        out += collected.waiting
        msg.info(f"{title} {name}: {collected}.")
    return out == 0


def _batchable(nlp: Language) -> list[tuple[str, Any, ChatModel]]:
    components = chat_components(nlp)
    if not components:
        raise InputError("This teacher has no clinical.ChatModel.v1, so there is nothing to hand in as a batch.")
    return components
