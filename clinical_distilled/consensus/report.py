"""What was chosen for each label, and against what, on screen."""

from wasabi import msg, table

from clinical_distilled.consensus.choose import Choice, Scored
from clinical_distilled.consensus.combine import Combination
from clinical_distilled.evaluation.metrics import MICRO
from clinical_distilled.evaluation.report import DISCLAIMER, with_interval

_MEASURED = ("coverage", "overlap", "conflict", "precision", "recall")
_SHOWN = 12  # of the schemes of a label; all are in the JSON


def print_combination(combination: Combination) -> None:
    """Print the schemes of each label, the best first, the scores of the result on dev, and the accounts."""
    for label, choice in combination.choices.items():
        msg.divider(f"{label}: {choice.best.scheme}")
        if choice.best.row is None:
            msg.info("Chosen by default: dev has no reference of this label.")
            continue
        rows = [_row(scored) for scored in _best_first(choice)[:_SHOWN]]
        print(
            table(
                rows,
                header=("scheme", "P", "R", "strict F1 on dev"),
                divider=True,
                max_col=100,
                aligns=("l", "r", "r", "r"),
            )
        )
    if combination.dev:
        rows = [(name, with_interval(scores["strict"][MICRO])) for name, scores in combination.dev.items()]
        print(table(rows, header=("all labels", "strict F1 on dev"), divider=True, max_col=100, aligns=("l", "r")))
        msg.warn(DISCLAIMER)
    _print_labelers(combination)
    for split, account in combination.accounts.items():
        account.print(split)


def _print_labelers(combination: Combination) -> None:
    msg.divider("teachers on train, token by token; precision and recall strict on dev")
    rows = [
        (label if first else "", teacher, *(f"{row[key]:.3f}" if key in row else "-" for key in _MEASURED))
        for label, teachers in combination.labelers["labels"].items()
        for first, (teacher, row) in zip([True, *[False] * len(teachers)], teachers.items(), strict=False)
    ]
    print(table(rows, header=("label", "teacher", *_MEASURED), divider=True, max_col=100))
    pairs = [(pair, f"{kappa['all']:.3f}") for pair, kappa in combination.labelers["kappa"].items()]
    if pairs:
        print(table(pairs, header=("teachers", "Cohen's kappa"), divider=True, max_col=100))


def _best_first(choice: Choice) -> list[Scored]:
    return sorted(choice.compared, key=lambda scored: -scored.row["f"] if scored.row else 0.0)


def _row(scored: Scored) -> tuple[str, ...]:
    row = scored.row or {"p": 0.0, "r": 0.0, "f": 0.0, "ci": [0.0, 0.0]}
    return str(scored.scheme), f"{row['p']:.3f}", f"{row['r']:.3f}", with_interval(row)
