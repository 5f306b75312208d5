"""Compare our alignment of the recorded answers with spacy.NER.v3's on the very same answers."""

from pathlib import Path
from typing import Annotated, Any

import typer
from wasabi import msg

from clinical_distilled import console
from clinical_distilled.corpora.docs import REFERENCE, SPLITS, read_docs
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.evaluation.metrics import score, truth_of
from clinical_distilled.evaluation.systems import reference_mentions
from clinical_distilled.files import write_json
from clinical_distilled.teachers.comparison import SYSTEMS, Alignment, Answered, read_answered

ANSWERS = {"llm_guided": "numbered", "llm_zero_shot": "json_list"}


def main(
    notes: Annotated[Path, typer.Argument(help="The folder of {train,dev,test}.spacy")],
    output: Annotated[Path, typer.Argument(help="Where the figures go")],
    *,
    answers: Annotated[Path, typer.Option(help="The folder of recorded answers")] = Path("assets/answers/clinical"),
    labels: Annotated[str, typer.Option(help="The labels of the answers, separated by spaces")] = " ".join(LABELS),
) -> None:
    """Align all recorded answers twice; count what each way keeps and loses; score it where there is a reference."""
    docs = [doc for split in SPLITS for doc in read_docs(notes / f"{split}.spacy")]
    figures: dict[str, Any] = {}
    for teacher, format_name in ANSWERS.items():
        answered = list(read_answered(docs, answers / f"{teacher}.jsonl.gz", format_name, labels.split()))
        if not answered:
            msg.info(f"{teacher}: no recorded answer is for these notes, nothing to compare.")
            continue
        figures[teacher] = {
            name: _figures(answered, align(answered, labels.split()), labels.split()) for name, align in SYSTEMS.items()
        }
    write_json(output, figures)
    rows = [(teacher, name, *_row(one)) for teacher, both in figures.items() for name, one in both.items()]
    header = ("answers", "aligned by", "mentions", "lost", "other words", "strict F1")
    msg.table(rows, header=header, divider=True, aligns=("l", "l", "r", "r", "r", "r"))
    msg.info("spacy.NER.v3 cannot read JSON: it was given the llm_zero_shot answers written as numbered lines.")


def _figures(answered: list[Answered], alignment: Alignment, labels: list[str]) -> dict[str, Any]:
    known = [
        (one.doc, found) for one, found in zip(answered, alignment.mentions, strict=True) if REFERENCE in one.doc.spans
    ]
    figures = {"notes": len(answered), **alignment.account.to_json(), "altered": alignment.altered}
    if known:
        docs = [doc for doc, _ in known]
        scores = score(truth_of(docs, reference_mentions(docs), labels), [found for _, found in known])
        figures |= {"reference_notes": len(docs), "strict": scores["strict"]}
    return figures


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    strict = f"{one['strict']['micro']['f']:.4f}" if "strict" in one else "-"
    lost = one["taken"] - one["kept"]
    return str(one["taken"]), f"{lost} ({lost / max(one['taken'], 1):.2%})", str(one["altered"]), strict


if __name__ == "__main__":
    console.run(main)
