"""Let every teacher annotate the notes; every mention is accounted for."""

from pathlib import Path
from typing import Annotated

import typer

from clinical_distilled import console
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.files import write_json
from clinical_distilled.teachers import live
from clinical_distilled.teachers.live import BatchStep
from clinical_distilled.teachers.loading import check_names, load_teacher
from clinical_distilled.teachers.run import TeachSettings, teach


def main(
    notes: Annotated[Path, typer.Argument(help="Folder of {train,dev,test}.spacy.")],
    output: Annotated[Path, typer.Argument(help="Where <teacher>/{train,dev,test}.spacy go.")],
    *,
    teachers: Annotated[str, typer.Option(help="Names of configs or of installed pipelines.")] = "ontology",
    configs: Annotated[Path, typer.Option(help="Folder of the teachers' configs.")] = Path("configs/teachers"),
    terms: Annotated[Path | None, typer.Option(help="Takes the place of [paths] terms in a config.")] = None,
    labels: Annotated[str, typer.Option(help="The labels of the project.")] = " ".join(LABELS),
    max_lost: Annotated[float, typer.Option(help="The share of its mentions that a teacher may lose.")] = 0.1,
    metrics: Annotated[Path, typer.Option(help="Where the counts go.")] = Path("metrics/teach.json"),
    estimate: Annotated[bool, typer.Option(help="Only reckon what live models will take; nothing is sent.")] = False,
    max_cost: Annotated[float | None, typer.Option(help="US dollars that a live model may spend in all.")] = None,
    batch: Annotated[BatchStep | None, typer.Option(help="Use the provider's batch API.")] = None,
) -> None:
    """Load the teachers, run them, and write the counts."""
    names = teachers.split()
    check_names(names)
    loaded = [load_teacher(name, configs, terms) for name in names]
    for teacher in loaded:
        live.set_budget(teacher.nlp, max_cost)
    if estimate or batch:
        live.ahead(loaded, notes, batch)
        return
    report = teach(notes, output, loaded, TeachSettings(tuple(labels.split()), max_lost))
    write_json(metrics, report.to_json())


if __name__ == "__main__":
    console.run(main)
