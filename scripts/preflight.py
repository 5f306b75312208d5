"""Refuse to start a training that cannot work, and say what to change."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from clinical_distilled import console
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.errors import InputError
from clinical_distilled.files import write_json
from clinical_distilled.student.preflight import check_training


def main(
    config: Annotated[Path, typer.Argument(help="The student config for spacy train.")],
    corpus: Annotated[Path, typer.Argument(help="The folder of train.spacy and dev.spacy.")],
    *,
    labels: Annotated[str, typer.Option(help="The labels the student is to learn.")] = " ".join(LABELS),
    encoder: Annotated[str | None, typer.Option(help="The encoder, where it is not the config's.")] = None,
    epochs: Annotated[int | None, typer.Option(help="The most epochs, where it is not the config's.")] = None,
    gpu_id: Annotated[int, typer.Option(help="The GPU, or -1 for the CPU.")] = -1,
    metrics: Annotated[Path, typer.Option(help="Where the facts go.")] = Path("metrics/preflight.json"),
) -> None:
    """Check config, corpus and machine; fail with every problem found."""
    report = check_training(config, corpus, labels.split(), encoder=encoder, epochs=epochs, gpu_id=gpu_id)
    for warning in report.warnings:
        msg.warn(warning)
    for problem in report.problems:
        msg.fail(problem)
    if report.problems:
        raise InputError(f"This training cannot work, for {len(report.problems)} reason(s).")
    write_json(metrics, {**report.facts, "warnings": report.warnings})
    train = report.facts["train"]
    msg.good(f"The training can start: {train['notes']} notes, {sum(train['mentions'].values())} mentions.")


if __name__ == "__main__":
    console.run(main)
