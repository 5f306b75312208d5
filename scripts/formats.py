"""Parse and align one model's answers in every output format: problems, losses, F1 and length of each."""

from pathlib import Path
from typing import Annotated, Any

import typer
from tokenizers import Tokenizer
from wasabi import msg

from clinical_distilled import console
from clinical_distilled.answers.formats import FORMATS
from clinical_distilled.corpora.docs import doc_id, read_docs
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.evaluation.metrics import score, truth_of
from clinical_distilled.evaluation.systems import reference_mentions
from clinical_distilled.files import write_json
from clinical_distilled.student.encoders import DEFAULT_ENCODER, encoder_folder
from clinical_distilled.teachers.format_study import FormatResult, study

HEADER = ("format", "problems", "mentions", "lost", "strict F1", "95 % interval", "tokens")


def main(
    notes: Annotated[Path, typer.Argument(help="The DocBin with the notes that were answered")],
    output: Annotated[Path, typer.Argument(help="Where the figures go")],
    *,
    answers: Annotated[Path, typer.Option(help="The folder of <format>.jsonl")] = Path("assets/answers/formats"),
    labels: Annotated[str, typer.Option(help="The labels of the answers, separated by spaces")] = " ".join(LABELS),
    encoder: Annotated[str, typer.Option(help="The encoder whose tokeniser counts")] = DEFAULT_ENCODER,
) -> None:
    """Print and write the table of the formats."""
    tokenizer = Tokenizer.from_file(str(encoder_folder(encoder) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    docs = {doc_id(doc): doc for doc in read_docs(notes)}
    figures = {}
    for name, format_ in FORMATS.items():
        path = answers / f"{name}.jsonl"
        result = study(format_, path, docs, labels.split(), lambda text: len(tokenizer.encode(text).ids))
        figures[name] = _figures(result, labels.split())
    write_json(output, {"tokens_counted_by": encoder, "formats": figures})
    msg.table([_row(name, one) for name, one in figures.items()], header=HEADER, divider=True, aligns=("l", *"rrrrrr"))
    msg.info(f"Tokens are word pieces of {encoder}, which counts no white space: an LLM's own count is another.")
    msg.info("The reference was made by an LLM with adjudication, not by clinicians.")


def _figures(result: FormatResult, labels: list[str]) -> dict[str, Any]:
    strict = score(truth_of(result.docs, reference_mentions(result.docs), labels), result.found)["strict"]
    return {
        "answers": len(result.docs),
        "problems": dict(result.problems),
        "mentions": result.account.to_json(),
        "offsets_right": [result.offsets_right, result.offsets_given],
        "tokens": result.tokens,
        "strict": strict,
    }


def _row(name: str, one: dict[str, Any]) -> tuple[str, ...]:
    mentions, micro = one["mentions"], one["strict"]["micro"]
    lost, interval = mentions["taken"] - mentions["kept"], "{:.3f}-{:.3f}".format(*micro["ci"])
    counts = (sum(one["problems"].values()), mentions["taken"], lost)
    return (name, *map(str, counts), f"{micro['f']:.4f}", interval, str(one["tokens"]))


if __name__ == "__main__":
    console.run(main)
