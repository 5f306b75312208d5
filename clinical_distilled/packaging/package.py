"""The package step: measured facts and stated sources become the meta, the model card and the wheel."""

from pathlib import Path

import srsly

from clinical_distilled.packaging.about import About
from clinical_distilled.packaging.card import licenses_of_sources, model_card
from clinical_distilled.packaging.facts import Facts
from clinical_distilled.packaging.meta import build_meta
from clinical_distilled.packaging.wheel import build_wheel


def make_package(
    pipeline: Path,
    facts: Facts,
    about: About,
    output: Path,
    *,
    name: str,
    version: str,
    notes: str,
    encoder: str,
    license_text: str,
) -> Path:
    """Package a pipeline with what is known of it; return the path of the wheel.

    Parameters
    ----------
    pipeline
        A spaCy pipeline directory, the one the facts are about.
    output
        Folder for the wheel.
    name, version
        Of the package, without the language.
    notes, encoder
        What it learned from, as named in the project's variables; with the teachers the keys of the sources.
    license_text
        The licence of the code.

    Raises
    ------
    InputError
        If the pipeline cannot be packaged; see `build_wheel`.
    """
    used = [notes.rstrip("/"), *facts.teachers, encoder]
    meta = build_meta(srsly.read_json(pipeline / "meta.json"), about, facts, name=name, version=version, used=used)
    documents = {
        "README.md": model_card(meta, facts),
        "LICENSE": license_text,
        "LICENSES_SOURCES": licenses_of_sources(meta),
    }
    return build_wheel(pipeline, meta, documents, output)
