"""Read human annotation (JSON lines, BRAT, PubTator, CoNLL) into a DocBin with our labels."""

from pathlib import Path
from typing import Annotated

import spacy
import typer

from clinical_distilled import console
from clinical_distilled.corpora.docs import write_docs
from clinical_distilled.corpora.gold.formats import GoldFormat, read_gold
from clinical_distilled.corpora.gold.labels import LabelMap, gold_docs
from clinical_distilled.errors import InputError


def main(
    source: Annotated[Path, typer.Argument(help="A file, or for BRAT a folder of .txt and .ann.")],
    output: Annotated[Path, typer.Argument(help="The .spacy file to write.")],
    *,
    kind: Annotated[GoldFormat, typer.Option("--format", help="The format of the source.")],
    labels: Annotated[str, typer.Option(help="What its labels become: 'Disease=DISEASE Chemical=MEDICATION'.")],
    leave_out: Annotated[str, typer.Option(help="Its labels that become nothing; '*' for all others.")] = "",
    lang: Annotated[str, typer.Option(help="The spaCy language whose tokeniser is used.")] = "en",
) -> None:
    """Read annotated documents, give them our labels, count every mention, and write a DocBin."""
    pairs = [pair.partition("=") for pair in labels.split()]
    if not all(theirs and ours for theirs, _, ours in pairs):
        raise InputError(f"--labels {labels!r}: expected pairs such as Disease=DISEASE.")
    ignored = None if leave_out == "*" else frozenset(leave_out.split())
    label_map = LabelMap({theirs: ours for theirs, _, ours in pairs}, ignored)
    documents, documents_account = read_gold(source, kind)
    docs, mentions_account = gold_docs(documents, label_map, spacy.blank(lang))
    write_docs(docs, output)
    documents_account.print(source.name)
    mentions_account.print(source.name)


if __name__ == "__main__":
    console.run(main)
