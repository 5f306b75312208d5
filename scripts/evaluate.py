"""Score the teachers, their combination and the student on a split: metrics/evaluation.json and a table."""

from pathlib import Path
from typing import Annotated

import typer

from clinical_distilled import console
from clinical_distilled.corpora.docs import read_docs
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.evaluation.evaluate import ABOUT, evaluate
from clinical_distilled.evaluation.report import print_errors, print_scores
from clinical_distilled.evaluation.systems import load_pipeline
from clinical_distilled.files import folder_sha256, write_json


def main(
    combined: Annotated[Path, typer.Argument(help="The split's combined documents (.spacy)")],
    student: Annotated[Path, typer.Argument(help="The student: a spaCy pipeline directory")],
    output: Annotated[Path, typer.Argument(help="Where the scores go; errors.json goes beside it")],
    *,
    labels: Annotated[str, typer.Option(help="The labels to score, separated by spaces")] = " ".join(LABELS),
    seed: Annotated[int, typer.Option(help="Of the resampling")] = 0,
) -> None:
    """Score teachers, combination and student."""
    result = evaluate(read_docs(combined), load_pipeline(student), combined.stem, labels.split(), seed)
    write_json(output, {**result.scores, ABOUT: {"pipeline_sha256": folder_sha256(student)}})
    write_json(output.with_name("errors.json"), result.errors)
    print_scores(result.scores)
    print_errors(result.error_counts())


if __name__ == "__main__":
    console.run(main)
