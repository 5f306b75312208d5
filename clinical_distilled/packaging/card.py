"""The model card of a package, and the list of its sources' licences: templates filled with measured facts."""

from collections.abc import Mapping
from typing import Any

from clinical_distilled.evaluation.metrics import METRICS, MICRO
from clinical_distilled.evaluation.report import AGREEMENT_NOTE, DISCLAIMER, with_interval
from clinical_distilled.packaging.facts import Facts
from clinical_distilled.packaging.meta import INTENDED_USE, INTERVAL
from clinical_distilled.packaging.rendering import render


def model_card(meta: Mapping[str, Any], facts: Facts) -> str:
    """Return the model card as Markdown; sections after Mitchell et al. 2019, Model Cards for Model Reporting."""
    labels = sorted({label for found in meta["labels"].values() for label in found})
    return render(
        "model_card.md",
        meta=meta,
        full_name=f"{meta['lang']}_{meta['name']}",
        facts=facts,
        labels=labels,
        rows=_rows(facts),
        intended_use=INTENDED_USE,
        interval=INTERVAL,
        disclaimer=DISCLAIMER,
        agreement_note=AGREEMENT_NOTE,
    )


def licenses_of_sources(meta: Mapping[str, Any]) -> str:
    """Return the text of ``LICENSES_SOURCES``: one line for each source."""
    return "".join(f"{source['name']}: {source.get('license', 'not stated')}\n" for source in meta["sources"])


def _rows(facts: Facts) -> list[list[str]]:
    return [
        [
            system if label == MICRO else "",
            label,
            f"{row['p']:.3f}",
            f"{row['r']:.3f}",
            *(with_interval(scores[measure][label]) if label in scores[measure] else "-" for measure in METRICS),
        ]
        for system, scores in facts.systems.items()
        for label, row in scores["strict"].items()
    ]
