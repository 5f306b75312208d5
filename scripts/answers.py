"""Look after ledgers of answers: stats, export, import, purge, verify."""

from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg, table

from clinical_distilled import console
from clinical_distilled.answers import ledger_report as report
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.ledger_files import export_answers, import_answers
from clinical_distilled.errors import InputError

app = console.program(__doc__)
LedgerFile = Annotated[Path, typer.Argument(help="The ledger.")]
Model = Annotated[str | None, typer.Option(help="Only of this model.")]


@app.command()
def stats(ledger: LedgerFile) -> None:
    """Print counts, tokens, time and cost of each model and task."""
    opened = Ledger(ledger, read_only=True)
    print(table(report.stats(opened), header=report.STATS_HEADER, divider=True))
    msg.info(f"${opened.spent:.4f} spent in all, as far as prices are known.")


@app.command()
def export(ledger: LedgerFile, file: Path, model: Model = None) -> None:
    """Write the answers to a file (JSON lines, .gz or not): a recorded teacher, or another ledger's import."""
    msg.good(f"{export_answers(Ledger(ledger, read_only=True), file, model)} answers in {file}.")


@app.command(name="import")
def import_(ledger: LedgerFile, file: Path) -> None:
    """Add a file of recorded answers."""
    msg.good(f"{import_answers(file, Ledger(ledger))} answers added.")


@app.command()
def purge(
    ledger: LedgerFile,
    doc_id: Annotated[str | None, typer.Option(help="Only of this note.")] = None,
    model: Model = None,
    failed: Annotated[bool, typer.Option(help="Only requests without an answer.")] = False,
) -> None:
    """Remove answers for good, from the disk too."""
    msg.good(f"{report.purge(Ledger(ledger), report.Purge(doc_id, model, failed))} removed.")


@app.command()
def verify(
    ledger: LedgerFile, notes: Annotated[list[Path] | None, typer.Option(help="JSONL of notes.")] = None
) -> None:
    """Check that the file is sound and, given the notes, that every answer belongs to its note's text."""
    problems = report.verify(Ledger(ledger, read_only=True), notes or ())
    if problems:
        raise InputError("\n".join([f"{ledger}: {len(problems)} problems", *problems]))
    msg.good(f"{ledger} is sound.")


if __name__ == "__main__":
    console.run(app)
