"""Loading a teacher by name: a config of the project, or an installed spaCy pipeline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import spacy
from catalogue import RegistryError
from spacy.language import Language
from spacy.tokens import Doc

from clinical_distilled.corpora.docs import REFERENCE
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers import ontology, recorded, task  # noqa: F401 - they register themselves

# Components that are registered when their module is imported, and no earlier.
_MODULES = {"abbreviation_detector": "scispacy.abbreviation"}
_RESERVED = {REFERENCE, "votes", "mentions"}


@dataclass(frozen=True)
class Teacher:
    """A loaded teacher.

    Attributes
    ----------
    name : str
        The stem of its config file, or the name of its package.
    nlp : Language
        Its pipeline.
    label_map : dict
        What its labels are called here: ``[teacher] labels = {"CHEMICAL": "MEDICATION"}`` in its config.
    """

    name: str
    nlp: Language
    label_map: dict[str, str] = field(default_factory=dict)

    def covered(self, docs: Iterable[Doc]) -> int | None:
        """Return how many of the documents have a recorded answer, or None if the teacher needs no recording."""
        models: list[Any] = [getattr(pipe, "_model", None) for _, pipe in self.nlp.pipeline]
        recordings = [model for model in models if hasattr(model, "covers")]
        if not recordings:
            return None
        hashes = {text_sha256(doc.text) for doc in docs}
        return min(len(model.covers(hashes)) for model in recordings)


def load_teacher(name: str, configs: Path, terms: Path | None = None) -> Teacher:
    """Load ``<configs>/<name>.cfg``, or else the installed pipeline `name`.

    Parameters
    ----------
    name
        The teacher's name.
    configs
        Folder of the configs.
    terms
        Takes the place of ``[paths] terms`` in a config that has it.

    Raises
    ------
    InputError
        If there is no such teacher, or its name is one that the steps use themselves.
    """
    if name in _RESERVED:
        raise InputError(f"{name}: a teacher cannot be called that. Rename its config.")
    path = configs / f"{name}.cfg"
    if path.is_file():
        nlp = _assemble(path, terms)
        return Teacher(name, nlp, dict(nlp.config.get("teacher", {}).get("labels", {})))
    if spacy.util.is_package(name):
        return Teacher(name, spacy.load(name))
    known = ", ".join(sorted(config.stem for config in configs.glob("*.cfg"))) or "none"
    raise InputError(f"{name}: no teacher of that name. Configs in {configs}: {known}; no such package is installed.")


def check_names(names: Sequence[str]) -> None:
    """Refuse an empty list of teachers, and a name that occurs twice."""
    if not names:
        raise InputError("No teacher is named. Set the variable `teachers` in project.yml.")
    if len(set(names)) < len(names):
        raise InputError(f"A teacher is named twice: {' '.join(names)}.")


def _assemble(path: Path, terms: Path | None) -> Language:
    try:
        config = spacy.util.load_config(path)
        if terms is not None and "terms" in config.get("paths", {}):
            config["paths"]["terms"] = str(terms)
        _import_modules(config)
        nlp = spacy.util.load_model_from_config(config, auto_fill=True)
        with nlp.select_pipes(disable=spacy.util.get_sourced_components(config)):
            nlp.initialize()
    except InputError:
        raise
    except (ValueError, RegistryError, OSError) as error:  # what spaCy raises for a config that it cannot use
        raise InputError(f"{path}: {error}") from None
    return nlp


def _import_modules(config: dict[str, Any]) -> None:
    for component in config.get("components", {}).values():
        module = _MODULES.get(component.get("factory", ""))
        if module:
            try:
                import_module(module)
            except ImportError:
                package = module.partition(".")[0]
                raise InputError(
                    f"{component['factory']} needs {package}. Install it: pip install --no-deps {package}"
                ) from None
