"""The spacy-llm task ``clinical.NER.v1``: a prompt for every note, and its answer as ``doc.spans["mentions"]``."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Iterable, Tuple  # noqa: UP035 - spacy-llm compares these hints with typing's own

from spacy.tokens import Doc
from spacy_llm.registry import registry
from spacy_llm.util import split_labels

from clinical_distilled.answers.alignment import Aligned, align
from clinical_distilled.answers.formats import Format, get_format
from clinical_distilled.answers.requests import FailedAnswer, NotePrompt
from clinical_distilled.corpora.docs import doc_id
from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.prompts import PromptTemplate

GROUP = "mentions"


class NERTask:
    """Finds labelled mentions: one prompt per note, answers aligned so that every mention is accounted for.

    ``doc.spans["mentions"]`` gets the mentions with ``status`` and ``rationale`` running parallel; ``lost`` lists
    ``{"text", "label", "reason"}`` of each mention that has no place. An answer that cannot be read, or is none, is an
    entry of ``lost`` with no text, so that it is counted and costs no other note.
    """

    def __init__(
        self, labels: Sequence[str], label_definitions: Mapping[str, str], template: PromptTemplate, format_: Format
    ) -> None:
        self._labels = tuple(labels)
        self._definitions = dict(label_definitions)
        self._template = template
        self._format = format_
        self._schema = format_.schema(labels) if format_.schema else None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that may come out."""
        return self._labels

    @property
    def prompt_template(self) -> str:
        """The template's source (spacy-llm's cache compares it)."""
        return self._template.source

    def generate_prompts(
        self,
        docs: Iterable[Doc],
        context_length: int | None = None,  # noqa: ARG002 - the protocol's
    ) -> Iterable[Tuple[Iterable[Any], Iterable[Doc]]]:  # noqa: UP006
        """Yield each note's prompts and the documents they are about."""
        for doc in docs:
            yield [self._prompt(doc)], [doc]

    def parse_responses(self, shards: Iterable[Iterable[Doc]], responses: Iterable[Iterable[Any]]) -> Iterable[Doc]:
        """Yield each note with the mentions of its answer."""
        for (doc,), (answer,) in zip(shards, responses, strict=True):
            self._annotate(doc, answer)
            yield doc

    def _prompt(self, doc: Doc) -> NotePrompt:
        text = self._template.render(doc.text, self._labels, self._definitions)
        return NotePrompt.make(
            text,
            doc_id=doc_id(doc),
            note_sha256=text_sha256(doc.text),
            task=f"clinical.NER.v1/{self._format.name}",
            schema=self._schema,
            check=partial(_check, self._format, doc.text, self._labels),
        )

    def _annotate(self, doc: Doc, answer: str) -> None:
        lost = []
        if isinstance(answer, FailedAnswer):
            lost.append(_no_mention(f"no answer: {answer.error}"))
            aligned: list[Aligned] = []
        else:
            parsed = self._format.parse(answer, doc.text, self._labels)
            if parsed.problem:
                lost.append(_no_mention(parsed.problem.value))
            aligned = align(doc, parsed.mentions, self._labels)
        kept = [one for one in aligned if one.loss is None]
        lost += [
            {"text": one.mention.text, "label": one.mention.label, "reason": one.loss.value}
            for one in aligned
            if one.loss is not None
        ]
        set_group(
            doc,
            GROUP,
            [one.span(doc) for one in kept],
            status=[one.status.value for one in kept],
            rationale=[one.mention.rationale for one in kept],
            lost=lost,
        )


@registry.llm_tasks("clinical.NER.v1")
def make_ner_task(
    labels: list[str] | str,
    template: str,
    format: str,  # noqa: A002 - the name in the config
    label_definitions: dict[str, str] | None = None,
) -> NERTask:
    """Make the task from a config.

    Parameters
    ----------
    labels
        A list, or one string with commas.
    template
        Path of the prompt template (jinja).
    format
        Name of the output format the template asks for.
    label_definitions
        What each label means, for the template.

    Raises
    ------
    InputError
        If there is no label, a definition is of an unknown label, or template or format do not exist.
    """
    names = split_labels(labels)
    if not names:
        raise InputError("clinical.NER.v1: no labels. Name at least one in the task's `labels`.")
    unknown = sorted(set(label_definitions or {}) - set(names))
    if unknown:
        raise InputError(f"clinical.NER.v1: label_definitions of unknown labels: {', '.join(unknown)}.")
    # A model without a context length gets whole notes, which is what is wanted: no reason to warn of it.
    warnings.filterwarnings("ignore", message="Task supports sharding")
    return NERTask(names, label_definitions or {}, PromptTemplate(Path(template)), get_format(format))


def _check(format_: Format, text: str, labels: Collection[str], answer: str) -> str | None:
    """Return what is wrong with an answer, in one line without note text."""
    problem = format_.parse(answer, text, labels).problem
    return problem.value if problem else None


def _no_mention(reason: str) -> dict[str, str]:
    return {"text": "", "label": "", "reason": reason}
