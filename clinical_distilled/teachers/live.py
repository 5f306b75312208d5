"""Live models inside a teacher's pipeline: their prompts, fetched ahead, reckoned up or handed to a batch API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy_llm.ty import supports_sharding
from tqdm import tqdm
from wasabi import msg

from clinical_distilled.answers.requests import FailedAnswer, NotePrompt
from clinical_distilled.corpora.docs import SPLITS, read_docs
from clinical_distilled.teachers.loading import Teacher

if TYPE_CHECKING:  # recorded teachers need none of the packages that live ones do
    from clinical_distilled.teachers.chat_model import ChatModel
    from clinical_distilled.teachers.local_model import LocalModel


class BatchStep(str, Enum):
    """What to do with a provider's batch API."""

    SUBMIT = "submit"
    COLLECT = "collect"


def ahead(teachers: Iterable[Teacher], notes: Path, step: BatchStep | None) -> None:
    """Do what comes before teaching, for the live ones among the teachers: an estimate, or a step of a batch."""
    for teacher in teachers:
        if not chat_components(teacher.nlp):
            continue
        if step is BatchStep.COLLECT:
            collect(teacher.nlp, teacher.name)
            continue
        docs = [doc for split in SPLITS for doc in read_docs(notes / f"{split}.spacy", teacher.nlp.vocab)]
        (submit if step else print_estimate)(teacher.nlp, docs, teacher.name)


def live_components(nlp: Language) -> list[tuple[str, ChatModel | LocalModel]]:
    """Return name and model of each component that asks a live model, in the order of the pipeline."""
    models: list[tuple[str, Any]] = [(name, getattr(pipe, "_model", None)) for name, pipe in nlp.pipeline]
    return [(name, model) for name, model in models if hasattr(model, "prefetch")]


def chat_components(nlp: Language) -> list[tuple[str, ChatModel]]:
    """Return those that ask a server."""
    components: list[tuple[str, Any]] = list(live_components(nlp))
    return [(name, model) for name, model in components if hasattr(model, "destination")]


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
    for name, model in live_components(nlp):
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
    for _, model in chat_components(nlp):
        model.max_cost = max_cost


def print_estimate(nlp: Language, docs: Sequence[Doc], title: str) -> None:
    """Print what a pipeline's chat models will take for these documents; nothing is sent."""
    from clinical_distilled.teachers.estimate import estimate, sample  # noqa: PLC0415

    for name, model in chat_components(nlp):
        positions = sample(len(docs))
        if not positions:
            continue
        prompts = list(prompts_of(nlp, name, [docs[position] for position in positions]))
        msg.info(f"{title} {name}: {model.settings.model}", estimate(model, prompts, len(positions) / len(docs)))


def submit(nlp: Language, docs: Sequence[Doc], title: str) -> None:
    """Hand in what a pipeline's chat models still have to ask about these documents, as batch jobs."""
    from clinical_distilled.teachers import batch  # noqa: PLC0415

    for name, model in chat_components(nlp):
        count = batch.submit(model, prompts_of(nlp, name, docs))
        msg.good(f"{title} {name}: {count} requests handed in. Collect with --batch collect.")


def collect(nlp: Language, title: str) -> None:
    """Collect the answers of a pipeline's batch jobs, as far as they are there."""
    from clinical_distilled.teachers import batch  # noqa: PLC0415

    for name, model in chat_components(nlp):
        msg.info(f"{title} {name}: {batch.collect(model)}.")
