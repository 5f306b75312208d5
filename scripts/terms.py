"""Compile terminologies into one offline index."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from clinical_distilled import console
from clinical_distilled.corpora.docs import REFERENCE, read_docs
from clinical_distilled.files import write_json
from clinical_distilled.terminology.index import Source, build_index, leave_out_misleading
from clinical_distilled.terminology.stoplist import StopRule


def main(
    sources: Annotated[
        list[str], typer.Argument(help="Files or folders; PATH=LABEL where they do not say what they hold.")
    ],
    output: Annotated[Path, typer.Option(help="The index to write.")],
    *,
    corpus: Annotated[Path | None, typer.Option(help="Annotated notes: names that mislead there are left out.")] = None,
    group: Annotated[str, typer.Option(help="The span group of the corpus to trust.")] = REFERENCE,
    min_found: Annotated[int, typer.Option(help="A name misleads if it is found at least so often ...")] = 5,
    max_precision: Annotated[float, typer.Option(help="... and at most this share of times rightly.")] = 0.2,
    metrics: Annotated[Path, typer.Option(help="Where the counts go.")] = Path("metrics/terms.json"),
) -> None:
    """Read the sources, compile them, leave out what misleads, and write the index and its counts."""
    index = build_index([Source.parse(source) for source in sources])
    if corpus is not None:
        index = leave_out_misleading(index, read_docs(corpus), StopRule(min_found, max_precision), group)
    index.save(output)
    write_json(metrics, index.to_json())
    msg.table(
        [(one["name"], one["terms"]) for one in index.matcher.meta["sources"]], header=("source", "terms"), divider=True
    )
    index.names.print("names in the sources")
    msg.good(f"{output}: {len(index.matcher)} distinct names, {len(index.misleading)} left out as misleading")


if __name__ == "__main__":
    console.run(main)
