"""What was measured of a pipeline and of the data it learned from: the only things its package may claim."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from clinical_distilled.corpora.docs import SPLITS, read_docs
from clinical_distilled.errors import InputError
from clinical_distilled.evaluation.evaluate import ABOUT, STUDENT
from clinical_distilled.evaluation.metrics import Scores
from clinical_distilled.evaluation.report import AGREEMENT
from clinical_distilled.evaluation.systems import annotated, teachers_of
from clinical_distilled.files import file_sha256, folder_sha256

TEST = "test"


@dataclass(frozen=True)
class Facts:
    """What is known of a pipeline by measurement.

    Attributes
    ----------
    pipeline_sha256 : str
        Hash of the pipeline directory; the scores are of this very one.
    scored_on : str
        Name of the scored set: ``test``, or ``test_agreement`` where the notes have no reference.
    systems : mapping
        System -> scores on that set. The pipeline itself is ``student``.
    combination : mapping
        Label -> ``{"rule", "teachers", "dev"}``: how the combine step joined the teachers' mentions.
    teachers : tuple of str
        Names of the teachers that labelled the notes.
    notes : mapping
        Split -> number of notes.
    scored_notes : int
        Number of test notes that were scored: those with a reference, where there is one.
    words : int
        Number of tokens in the training notes that are not white space.
    mentions : mapping
        Label -> number of mentions in the training notes.
    sha256 : mapping
        File -> hash of the data that was learned from and scored on.
    """

    pipeline_sha256: str
    scored_on: str
    systems: Mapping[str, Scores]
    combination: Mapping[str, Any]
    teachers: tuple[str, ...]
    notes: Mapping[str, int]
    scored_notes: int
    words: int
    mentions: Mapping[str, int]
    sha256: Mapping[str, str]

    @property
    def has_reference(self) -> bool:
        """Whether the scores are against a reference, not agreement with the teachers."""
        return not self.scored_on.endswith(AGREEMENT)

    @property
    def scores(self) -> Scores:
        """The scores of the pipeline itself."""
        return self.systems[STUDENT]


def read_facts(pipeline: Path, combined: Path, metrics: Path) -> Facts:
    """Collect the facts from what the earlier steps wrote.

    Parameters
    ----------
    pipeline
        The spaCy pipeline directory that is to be packaged.
    combined
        Folder of the combined documents, ``{train,dev,test}.spacy``.
    metrics
        Folder with ``evaluation.json`` and ``combine.json``.

    Raises
    ------
    InputError
        If a file is missing or does not hold what it should, or the scores are those of another pipeline.
    """
    if not (pipeline / "meta.json").exists():
        raise InputError(f"{pipeline}: no spaCy pipeline here. Train one first (`spacy project run all`).")
    digest = folder_sha256(pipeline)
    scored_on, systems = _scores(metrics / "evaluation.json", pipeline, digest)
    files = {split: combined / f"{split}.spacy" for split in SPLITS}
    docs = {split: read_docs(path) for split, path in files.items()}
    train = docs["train"]
    return Facts(
        pipeline_sha256=digest,
        scored_on=scored_on,
        systems=systems,
        combination=_combination(metrics / "combine.json"),
        teachers=tuple(teachers_of(train)),
        notes={split: len(found) for split, found in docs.items()},
        scored_notes=len(annotated(docs[TEST]) or docs[TEST]),
        words=sum(not token.is_space for doc in train for token in doc),
        mentions=_mentions(train),
        sha256={path.name: file_sha256(path) for path in files.values()},
    )


def _scores(path: Path, pipeline: Path, digest: str) -> tuple[str, dict[str, Scores]]:
    evaluation = _read_object(path)
    about = evaluation.get(ABOUT, {})
    if about.get("pipeline_sha256") != digest:
        raise InputError(
            f"{path}: these are not the scores of {pipeline} "
            f"(scored: {str(about.get('pipeline_sha256'))[:12]}, here: {digest[:12]}). Run `evaluate` again."
        )
    for name in (TEST, TEST + AGREEMENT):
        systems: dict[str, Scores] = evaluation.get(name, {})
        if "micro" in systems.get(STUDENT, {}).get("strict", {}):
            return name, systems
    raise InputError(f"{path}: no scores of the student on the set {TEST!r}. Run `evaluate` on the test split.")


def _combination(path: Path) -> dict[str, Any]:
    choice = _read_object(path).get("choice")
    if not isinstance(choice, dict) or not choice:
        raise InputError(f"{path}: does not say what was chosen. Run `combine` again.")
    return choice


def _mentions(docs: list[Doc]) -> dict[str, int]:
    return dict(sorted(Counter(span.label_ for doc in docs for span in doc.ents).items()))


def _read_object(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise InputError(f"{path}: no such file. Run the step that writes it first (`spacy project run all`).")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}). Run the step that writes it again.") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(value).__name__}.")
    return value
