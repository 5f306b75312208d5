"""How often a training is scored on dev, said in a way that suits 60 notes as well as 60,000."""

import math
from pathlib import Path

from spacy.tokens import DocBin
from spacy.util import registry

from clinical_distilled.errors import InputError


@registry.misc("clinical.steps_between_scores.v1")
def steps_between_scores(train: str, batch_size: int, epochs: int, scores: int) -> int:
    """Return the ``eval_frequency`` for which a training is scored a number of times, the last time at its end.

    spaCy scores before the first step and then every ``eval_frequency`` steps, but not after the last one: with a
    frequency that ends there, the last stretch of training would never be looked at.

    Parameters
    ----------
    train : str
        Path of the DocBin to train on.
    batch_size : int
        Documents per step.
    epochs : int
        Times the training goes over the documents.
    scores : int
        How often dev is scored after the start.

    Returns
    -------
    int
        Steps, at least 1.

    Raises
    ------
    InputError
        If the DocBin is missing.
    """
    if not Path(train).is_file():
        raise InputError(f"{train}: no such file. Run the step that writes it first (`spacy project run combine`).")
    steps = epochs * math.ceil(len(DocBin().from_disk(train)) / batch_size)
    return max(1, (steps - 1) // scores)
