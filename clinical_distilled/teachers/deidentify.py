"""De-identification on the way out, by Microsoft Presidio (the extra ``deidentify``).

What it finds in a prompt is replaced by its kind (``<PERSON>``) before the prompt leaves; answers are aligned to the
note as it is. It is a help, not a guarantee: it misses identifiers (rare names, typing errors, dates written out),
takes some clinical names for persons (Parkinson, Crohn: such mentions are then lost), and reads English. It does not
make notes anonymous in the sense of any law.
"""

from __future__ import annotations

from typing import Any

from spacy_llm.registry import registry

from clinical_distilled.errors import InputError


class Deidentifier:
    """Replaces identifiers in a text; Presidio is loaded on first use.

    Parameters
    ----------
    model
        The spaCy pipeline Presidio finds names with.
    entities
        Presidio's names of what to replace; empty: all it knows.
    """

    def __init__(self, model: str, entities: list[str]) -> None:
        self._model, self._entities = model, entities
        self._engines: tuple[Any, Any] | None = None

    def __call__(self, text: str) -> str:
        """Return the text with what was found replaced by ``<KIND>``.

        Raises
        ------
        InputError
            If Presidio or the spaCy pipeline is not installed.
        """
        analyzer, anonymizer = self._engines = self._engines or _load(self._model)
        found = analyzer.analyze(text=text, language="en", entities=self._entities or None)
        return str(anonymizer.anonymize(text=text, analyzer_results=found).text)


@registry.llm_misc("clinical.Deidentifier.v1")
def make_deidentifier(model: str = "en_core_web_lg", entities: list[str] | None = None) -> Deidentifier:
    """Return the de-identifier for a model's ``deidentify`` setting."""
    return Deidentifier(model, list(entities or ()))


def _load(model: str) -> tuple[Any, Any]:
    try:
        from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found]  # noqa: PLC0415 - optional
        from presidio_analyzer.nlp_engine import NlpEngineProvider  # type: ignore[import-not-found]  # noqa: PLC0415
        from presidio_anonymizer import AnonymizerEngine  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "De-identification needs Presidio: pip install 'clinical-distilled[deidentify]'. Nothing was sent."
        ) from None
    names = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]}
    try:
        engine = NlpEngineProvider(nlp_configuration=names).create_engine()
    except (OSError, SystemExit):  # Presidio tries to download what is missing
        raise InputError(f"De-identification needs the spaCy pipeline {model}: install it. Nothing was sent.") from None
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"]), AnonymizerEngine()
