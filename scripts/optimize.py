"""Turn a trained pipeline into the one that is packaged: small, fast, without torch."""

from pathlib import Path
from typing import Annotated

import typer

from clinical_distilled import console
from clinical_distilled.student.optimize import optimize


def main(
    trained: Annotated[Path, typer.Argument(help="Trained pipeline: training/<student>/model-best.")],
    packaged: Annotated[Path, typer.Argument(help="Folder to write: training/<student>/packaged.")],
    dev: Annotated[Path, typer.Argument(help="DocBin to check the scores on: corpus/combined/dev.spacy.")],
    metrics: Annotated[Path, typer.Argument(help="JSON file for sizes and scores.")] = Path("metrics/optimize.json"),
) -> None:
    """Replace distilled_ner by onnx_ner, 8-bit where the scores on dev allow it."""
    optimize(trained, packaged, dev, metrics)


if __name__ == "__main__":
    console.run(main)
