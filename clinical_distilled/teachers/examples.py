"""Few-shot examples: annotated texts, checked before anything is asked, the same for every note or the nearest ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bm25s  # type: ignore[import-untyped]
import spacy
from spacy_llm.registry import registry

from clinical_distilled.answers.alignment import align
from clinical_distilled.answers.formats import Format
from clinical_distilled.answers.mentions import AnswerMention
from clinical_distilled.corpora.entities import check_labels, parse_entity
from clinical_distilled.errors import InputError
from clinical_distilled.files import read_jsonl


@dataclass(frozen=True)
class ExampleFile:
    """Where examples come from, as a config says it.

    Attributes
    ----------
    path : Path
        JSON lines ``{"text", "entities": [{"start", "end", "label"}]}``; an entity may have a ``rationale``.
    n : int
        How many go into a prompt.
    choose : str
        "fixed": the first of the file; "nearest": those most like the note, by BM25.
    """

    path: Path
    n: int
    choose: Literal["fixed", "nearest"]


@registry.llm_misc("clinical.Examples.v1")
def make_example_file(path: str, n: int = 3, choose: Literal["fixed", "nearest"] = "fixed") -> ExampleFile:
    """Return where a task's examples come from."""
    return ExampleFile(Path(path), n, choose)


@dataclass(frozen=True)
class _Example:
    text: str
    answer: str


class Examples:
    """The examples of a task, rendered in its output format.

    Raises
    ------
    InputError
        If the file has fewer than asked for, an entity is outside its text or has an unknown label, or an example
        rendered in the format cannot be read back as it was; names file and line.
    """

    def __init__(self, file: ExampleFile, format_: Format, labels: Sequence[str], lang: str = "en") -> None:
        self._file = file
        nlp = spacy.blank(lang)
        self._examples = []
        for number, row in read_jsonl(file.path):
            source = f"{file.path}, line {number}"
            text = row.get("text")
            if not isinstance(text, str) or not text.strip() or not isinstance(row.get("entities"), list):
                raise InputError(f"{source}: an example needs a 'text' and a list of 'entities'.")
            mentions = _mentions(row["entities"], text, labels, source)
            answer = format_.render(mentions, text)
            doc = nlp(text)
            wanted = sorted((mention.start, mention.end, mention.label) for mention in mentions)
            aligned = [one for one in align(doc, format_.parse(answer, text, labels).mentions, labels) if one.place]
            if sorted((s.start_char, s.end_char, s.label_) for s in (one.span(doc) for one in aligned)) != wanted:
                raise InputError(
                    f"{source}: written as {format_.name} and read back, its mentions are not the same. Mark whole "
                    "words, no overlaps, and every occurrence of a name; or leave the example out."
                )
            self._examples.append(_Example(text, answer))
        if len(self._examples) < file.n:
            raise InputError(f"{file.path}: has {len(self._examples)} examples, {file.n} are asked for.")
        self._index = _index([example.text for example in self._examples]) if file.choose == "nearest" else None

    def for_note(self, text: str) -> list[dict[str, str]]:
        """Return the examples for one note as ``{"text", "answer"}``, the nearest last; never the note itself."""
        usable = [i for i, example in enumerate(self._examples) if example.text != text]
        if self._index is not None:
            scores = self._index.get_scores(_words(text))
            usable = sorted(sorted(usable, key=lambda i: (-scores[i], i))[: self._file.n], key=lambda i: scores[i])
        return [{"text": self._examples[i].text, "answer": self._examples[i].answer} for i in usable[: self._file.n]]


def _mentions(rows: list[dict], text: str, labels: Sequence[str], source: str) -> list[AnswerMention]:
    entities = sorted((parse_entity(row, text, source), str(row.get("rationale", ""))) for row in rows)
    check_labels([entity for entity, _ in entities], labels, source)
    return [AnswerMention(text[e.start : e.end], e.label, why, e.start, e.end) for e, why in entities]


def _words(text: str) -> list[str]:
    (words,) = bm25s.tokenize([text], stopwords=None, return_ids=False, show_progress=False)
    return list(words)


def _index(texts: Sequence[str]) -> bm25s.BM25:
    index = bm25s.BM25()
    index.index([_words(text) for text in texts], show_progress=False)
    return index
