"""The ``meta.json`` of a package: spaCy's own entries, filled with what was measured."""

from collections.abc import Iterable, Mapping
from importlib.metadata import requires
from typing import Any

from packaging.requirements import Requirement

from clinical_distilled.evaluation.metrics import MICRO, RESAMPLES
from clinical_distilled.evaluation.report import AGREEMENT_NOTE, DISCLAIMER
from clinical_distilled.packaging.about import About
from clinical_distilled.packaging.facts import Facts

DISTRIBUTION = "clinical-distilled"
INTENDED_USE = (
    "Research software, not a medical device: not for diagnosis, treatment or any decision about a patient. "
    "A person checks what it finds."
)
INTERVAL = f"95 % percentile interval of F1 over {RESAMPLES:,} resamples of the test notes"


def build_meta(
    pipeline_meta: Mapping[str, Any], about: About, facts: Facts, *, name: str, version: str, used: Iterable[str]
) -> dict[str, Any]:
    """Return the package's meta: what spaCy wrote, with our statements and with test scores for training scores.

    Parameters
    ----------
    pipeline_meta
        ``meta.json`` of the pipeline directory. Its ``performance`` holds scores on silver data and is dropped.
    name, version
        Of the package, without the language: ``clinical_distilled`` becomes ``en_clinical_distilled``.
    used
        Keys of the sources: the folder of the notes, the teachers, the encoder.
    """
    return {
        **pipeline_meta,
        "name": name,
        "version": version,
        "description": about.description,
        "author": about.author,
        "email": about.email,
        "url": about.url,
        "license": about.license,
        "spacy_version": str(our_requirement("spacy").specifier),
        "sources": about.sources_of(used),
        "performance": performance(facts),
        "intended_use": INTENDED_USE,
        "provenance": {
            "labelled_by": list(facts.teachers),
            "combination": dict(facts.combination),
            "notes": dict(facts.notes),
            "training_mentions": dict(facts.mentions),
            "sha256": dict(facts.sha256),
            "pipeline_sha256": facts.pipeline_sha256,
        },
    }


def our_requirement(name: str) -> Requirement:
    """Return the versions of a library that this project works with, from its own metadata."""
    return next(need for need in map(Requirement, requires(DISTRIBUTION) or ()) if need.name == name)


def performance(facts: Facts) -> dict[str, Any]:
    """Return the scores of the pipeline on the test notes.

    With a reference: spaCy's own keys (``ents_p``, ``ents_r``, ``ents_f``, ``ents_per_type``: strict scores) and all
    measures under ``test``. Without one there is no score, only ``test_agreement`` with the teachers.
    """
    note = DISCLAIMER if facts.has_reference else AGREEMENT_NOTE
    scores: dict[str, Any] = {facts.scored_on: facts.scores, "interval": INTERVAL, "note": note}
    if facts.has_reference:
        strict = facts.scores["strict"]
        scores |= {f"ents_{key}": strict[MICRO][key] for key in "prf"}
        scores["ents_per_type"] = {
            label: {key: row[key] for key in "prf"} for label, row in strict.items() if label != MICRO
        }
    return scores
