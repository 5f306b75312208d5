"""Combine the teachers' mentions, by the rule that is best on dev for each label."""

from pathlib import Path
from typing import Annotated

import typer

from clinical_distilled import console
from clinical_distilled.consensus.combine import combine
from clinical_distilled.consensus.report import print_combination
from clinical_distilled.consensus.teachers import declared_labels, read_splits, teacher_names
from clinical_distilled.corpora.docs import write_docs
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.files import write_json


def main(
    teachers: Annotated[Path, typer.Argument(help="The folder with <teacher>/{train,dev,test}.spacy")],
    output: Annotated[Path, typer.Argument(help="The folder for {train,dev,test}.spacy")],
    *,
    only: Annotated[str, typer.Option(help="The teachers to combine, separated by spaces; default: all")] = "",
    labels: Annotated[str, typer.Option(help="The labels, separated by spaces")] = " ".join(LABELS),
    search: Annotated[bool, typer.Option("--search", help="Try every subset of the teachers")] = False,
    metrics: Annotated[Path, typer.Option(help="The folder of teach.json and combine.json")] = Path("metrics"),
    seed: Annotated[int, typer.Option(help="Of the resampling")] = 0,
) -> None:
    """Combine the teachers' mentions."""
    accounts = metrics / "teach.json"
    names = only.split() or teacher_names(teachers, accounts)
    splits = read_splits(teachers, names)
    combination = combine(splits, declared_labels(splits, names, accounts), labels.split(), search=search, seed=seed)
    for split, docs in splits.items():
        write_docs(docs, output / f"{split}.spacy")
    write_json(metrics / "combine.json", combination.to_json())
    print_combination(combination)


if __name__ == "__main__":
    console.run(main)
