"""The spacy-llm task ``clinical.NER.v1``: a prompt for every note, and its answer as ``doc.spans["mentions"]``."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Iterable, Tuple  # noqa: UP035 - spacy-llm compares these hints with typing's own

from spacy.tokens import Doc, Span
from spacy_llm.registry import registry
from spacy_llm.util import split_labels

from clinical_distilled.answers.formats import Format, get_format
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.answers.votes import Lost, Stretch, Vote, count_votes
from clinical_distilled.answers.windows import Window, cut, estimate_tokens, whole
from clinical_distilled.corpora.docs import doc_id
from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.examples import ExampleFile, Examples
from clinical_distilled.teachers.prompts import PromptTemplate

_LEAST_ROOM = 50  # tokens of a note
GROUP = "mentions"


class NERTask:
    """Finds labelled mentions: every answer aligned to its note, every mention accounted for.

    ``doc.spans["mentions"]`` gets the mentions with ``status``, ``rationale`` and ``mass`` (the share of the answers
    that agree) running parallel; ``lost`` lists ``{"text", "label", "reason"}`` of each mention that has no place. An
    answer that cannot be read, or is none, is an entry of ``lost`` with no text, so that it is counted and costs no
    other note.
    """

    def __init__(
        self,
        labels: Sequence[str],
        label_definitions: Mapping[str, str],
        template: PromptTemplate,
        format_: Format,
        *,
        examples: Examples | None = None,
        samples: int = 1,
    ) -> None:
        self._labels = tuple(labels)
        self._definitions = dict(label_definitions)
        self._template = template
        self._format = format_
        self._examples = examples
        self._samples = samples
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
        self, docs: Iterable[Doc], context_length: int | None = None
    ) -> Iterable[Tuple[Iterable[Any], Iterable[Any]]]:  # noqa: UP006
        """Yield each note's prompts, and the windows of it that they are about.

        Parameters
        ----------
        context_length
            The model's, in its tokens, prompt and answer together; a longer note is cut. None: never cut.

        Raises
        ------
        InputError
            If the prompt leaves no room for any text.
        """
        for doc in docs:
            examples = self._examples.for_note(doc.text) if self._examples else []
            windows = [whole(doc)] if context_length is None else self._cut(doc, examples, context_length)
            note = text_sha256(doc.text)
            yield (
                [
                    self._prompt(doc, window.doc.text, note, examples, sample)
                    for window in windows
                    for sample in range(self._samples)
                ],
                windows,
            )

    def parse_responses(self, shards: Iterable[Iterable[Any]], responses: Iterable[Iterable[Any]]) -> Iterable[Doc]:
        """Yield each note with the mentions of its answers."""
        for windows, answers in zip(shards, responses, strict=True):
            yield self._annotate(list(windows), list(answers))

    def _cut(self, doc: Doc, examples: Sequence[Mapping[str, str]], context_length: int) -> list[Window]:
        around = estimate_tokens(self._template.render("", self._labels, self._definitions, examples))
        room = (context_length - around) / (1 + self._format.room)
        if room < _LEAST_ROOM:
            raise InputError(
                f"{self._template.path}: takes about {around:.0f} tokens, which leaves no room for a note in a context "
                f"of {context_length}. Use fewer examples, or a model with a longer context."
            )
        return cut(doc, room)

    def _prompt(
        self, doc: Doc, text: str, note_sha256: str, examples: Sequence[Mapping[str, str]], sample: int
    ) -> NotePrompt:
        return NotePrompt.make(
            self._template.render(text, self._labels, self._definitions, examples),
            doc_id=doc_id(doc),
            note_sha256=note_sha256,
            task=f"clinical.NER.v1/{self._format.name}",
            sample=sample,
            schema=self._schema,
            check=partial(_check, self._format, text, self._labels),
        )

    def _annotate(self, windows: Sequence[Window], answers: Sequence[str]) -> Doc:
        votes: dict[Stretch, Vote] = {}
        lost: list[Lost] = []
        for i, window in enumerate(windows):
            own = answers[i * self._samples : (i + 1) * self._samples]
            found, missing = count_votes(window, own, self._format, self._labels)
            votes |= found
            lost += missing
        doc = windows[0].whole
        set_group(
            doc,
            GROUP,
            [Span(doc, start, end, label=label) for start, end, label in votes],
            status=[vote.status for vote in votes.values()],
            rationale=[vote.rationale for vote in votes.values()],
            mass=[vote.mass for vote in votes.values()],
            lost=lost,
        )
        return doc


@registry.llm_tasks("clinical.NER.v1")
def make_ner_task(
    labels: list[str] | str,
    template: str,
    format: str,  # noqa: A002 - the name in the config
    *,
    label_definitions: dict[str, str] | None = None,
    examples: ExampleFile | None = None,
    samples: int = 1,
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
    examples
        Few-shot examples, a ``clinical.Examples.v1``.
    samples
        How many answers to each prompt are asked for; their agreement becomes the mass of each mention. More than one
        needs a model that is asked with a temperature above 0.

    Raises
    ------
    InputError
        If there is no label, a definition is of an unknown label, template or format do not exist, or an example is
        wrong.
    """
    names = split_labels(labels)
    if not names:
        raise InputError("clinical.NER.v1: no labels. Name at least one in the task's `labels`.")
    unknown = sorted(set(label_definitions or {}) - set(names))
    if unknown:
        raise InputError(f"clinical.NER.v1: label_definitions of unknown labels: {', '.join(unknown)}.")
    if samples < 1:
        raise InputError(f"clinical.NER.v1: samples = {samples}. Ask for at least one answer.")
    # A model without a context length gets whole notes, which is what is wanted: no reason to warn of it.
    warnings.filterwarnings("ignore", message="Task supports sharding")
    format_ = get_format(format)
    shown = Examples(examples, format_, names) if examples else None
    return NERTask(
        names, label_definitions or {}, PromptTemplate(Path(template)), format_, examples=shown, samples=samples
    )


def _check(format_: Format, text: str, labels: Collection[str], answer: str) -> str | None:
    """Return what is wrong with an answer, in one line without note text."""
    problem = format_.parse(answer, text, labels).problem
    return problem.value if problem else None
