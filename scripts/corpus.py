"""Read the notes into one DocBin per split; refuse duplicates and leaks between splits."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from clinical_distilled import console
from clinical_distilled.corpora.build import build_corpus, write_corpus
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.files import write_json


def main(
    notes: Annotated[Path, typer.Argument(help="A JSONL or CSV file, or a folder: see docs.")],
    output: Annotated[Path, typer.Argument(help="Where {train,dev,test}.spacy go.")],
    *,
    lang: Annotated[str, typer.Option(help="The spaCy language whose tokeniser is used.")] = "en",
    labels: Annotated[str, typer.Option(help="The labels a reference may have.")] = " ".join(LABELS),
    text_field: Annotated[str, typer.Option(help="The field or column of the text.")] = "text",
    id_field: Annotated[str, typer.Option(help="The field or column of the identifier.")] = "doc_id",
    metrics: Annotated[Path, typer.Option(help="Where the counts go.")] = Path("metrics/corpus.json"),
) -> None:
    """Read notes, check them, split them where they are not split, and write DocBins."""
    corpus = build_corpus(notes, labels.split(), lang, text_field, id_field)
    write_corpus(corpus, output)
    counts = corpus.to_json()
    write_json(metrics, counts)
    rows = [(split, row["notes"], row["words"], _mentions(row)) for split, row in counts["splits"].items()]
    msg.table(rows, header=("split", "notes", "words", "reference mentions"), divider=True, aligns=("l", "r", "r", "r"))
    for name, account in corpus.notes.items():
        account.print(name)
    for name, account in corpus.mentions.items():
        account.print(f"{name} reference")


def _mentions(row: dict) -> str:
    return str(sum(row["reference"]["mentions"].values())) if "reference" in row else "-"


if __name__ == "__main__":
    console.run(main)
