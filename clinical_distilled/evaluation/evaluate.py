"""The evaluation step: which systems are scored against what, and what is written of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.evaluation.errors import errors_of, to_json
from clinical_distilled.evaluation.metrics import Mentions, Scores, Truth, score_systems, truth_of
from clinical_distilled.evaluation.report import AGREEMENT
from clinical_distilled.evaluation.systems import (
    annotated,
    entity_mentions,
    group_mentions,
    pipeline_mentions,
    reference_mentions,
    teachers_of,
)

COMBINED, STUDENT = "combined", "student"
ABOUT = "about"  # beside the sets in evaluation.json: ``{"pipeline_sha256"}`` of the student that was scored


@dataclass(frozen=True)
class Evaluation:
    """Scores and errors of several systems on one set.

    Attributes
    ----------
    scores : dict
        Set -> system -> measure -> "micro" or label -> ``{"p", "r", "f", "ci"}``.
    errors : dict
        Set -> system -> ``{"counts": {label: {cause: number}}, "errors": [...]}``.
    """

    scores: dict[str, dict[str, Scores]]
    errors: dict[str, dict[str, dict[str, Any]]]

    def error_counts(self) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
        """Return set -> system -> label -> cause -> number."""
        return {
            name: {system: found["counts"] for system, found in systems.items()}
            for name, systems in self.errors.items()
        }


def evaluate(
    docs: Sequence[Doc], student: Language, name: str, labels: Sequence[str] = LABELS, seed: int = 0
) -> Evaluation:
    """Score teachers, combination and student on combined documents.

    Where only some documents have a reference, they alone are scored. Without any the student is scored against
    the combination, in a set whose name ends in ``_agreement``: that is agreement with the teachers, not quality.

    Parameters
    ----------
    docs
        Documents of the combine step: teachers' span groups, ``doc.ents`` and, where there is one, a reference.
    student
        The pipeline to score; it is given the bare texts.
    name
        The set's name, for example ``test``.

    Raises
    ------
    InputError
        If there is no document, or a reference has an unknown label.
    """
    judged = annotated(docs)
    found = pipeline_mentions(student, judged or docs)
    if not judged:
        truth = truth_of(docs, entity_mentions(docs), labels)
        return score_set(truth, {STUDENT: found}, name + AGREEMENT, seed)
    systems: dict[str, Sequence[Mentions]] = {
        teacher: group_mentions(judged, teacher) for teacher in teachers_of(judged)
    }
    systems |= {COMBINED: entity_mentions(judged), STUDENT: found}
    return score_set(truth_of(judged, reference_mentions(judged), labels), systems, name, seed)


def score_set(truth: Truth, systems: dict[str, Sequence[Mentions]], name: str, seed: int = 0) -> Evaluation:
    """Score systems and sort their errors, as one set called `name`."""
    return Evaluation(
        scores={name: score_systems(truth, systems, seed)},
        errors={name: {system: to_json(errors_of(truth, found)) for system, found in systems.items()}},
    )
