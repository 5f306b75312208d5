"""Install the wheel into empty environments and use it there as a user would: metrics/smoke.json."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from clinical_distilled import console
from clinical_distilled.corpora.docs import read_docs
from clinical_distilled.evaluation.systems import load_pipeline
from clinical_distilled.files import write_json
from clinical_distilled.packaging.smoke import read_wheel, smoke


def main(
    wheel: Annotated[Path, typer.Argument(help="The wheel")],
    pipeline: Annotated[Path, typer.Argument(help="The pipeline directory it was made from")],
    notes: Annotated[Path, typer.Argument(help="Notes in which both have to find the same (.spacy)")],
    output: Annotated[Path, typer.Argument(help="Where the results go")] = Path("metrics/smoke.json"),
    *,
    lock: Annotated[Path, typer.Option(help="Pins for the environments")] = Path("requirements.lock"),
    workplace: Annotated[Path, typer.Option(help="Folder for the environments")] = Path("training/.smoke"),
) -> None:
    """Install the wheel into empty environments and use it there as a user would."""
    result = smoke(read_wheel(wheel), load_pipeline(pipeline), read_docs(notes), lock, workplace)
    write_json(output, result)
    facts = result["environments"]["alone"]["facts"]
    msg.good(
        f"{wheel.name} works: {result['wheel']['bytes'] / 1e6:.1f} MB, loads in {facts['load_seconds']} s, "
        f"then takes {facts['loaded_mb']} MB, {facts['peak_mb']} MB at most"
    )


if __name__ == "__main__":
    console.run(main)
