"""Scores as tables: on screen, and the words that must stand beside them."""

from collections.abc import Mapping, Sequence

from wasabi import msg, table

from clinical_distilled.evaluation.metrics import METRICS, MICRO, Row, Scores

DISCLAIMER = (
    "The reference was made by an LLM with adjudication, not by clinicians, and is not independent of llm_guided."
)
AGREEMENT = "_agreement"  # ends the name of a set that was scored against the combination of the teachers
AGREEMENT_NOTE = (
    "These notes have no reference: the figures are agreement with the combination of the teachers, not quality."
)

_HEADER = ("system", "label", "P", "R", "strict F1", "overlap F1", "token F1")


def print_scores(scores: Mapping[str, Mapping[str, Scores]], provenance: str = DISCLAIMER) -> None:
    """Print one table per set: a row per system and label, F1 with its interval for each measure.

    Parameters
    ----------
    scores : mapping
        Set -> system -> measure -> "micro" or label -> row, as in ``metrics/evaluation.json``.
    provenance : str
        What must be known of the reference; shown under its scores.
    """
    for name, systems in scores.items():
        msg.divider(name)
        rows = [row for system, measures in systems.items() for row in _rows(system, measures)]
        print(table(rows, header=_HEADER, divider=True, max_col=100, aligns=("l", "l", "r", "r", "r", "r", "r")))
        msg.warn(AGREEMENT_NOTE if name.endswith(AGREEMENT) else provenance)


def print_errors(errors: Mapping[str, Mapping[str, Mapping[str, Mapping[str, int]]]]) -> None:
    """Print one table per set of errors by cause: set -> system -> label -> cause -> number."""
    for name, systems in errors.items():
        msg.divider(f"{name}: errors by cause")
        rows = [
            (system, label, *counts.values()) for system, labels in systems.items() for label, counts in labels.items()
        ]
        if rows:
            causes = next(iter(next(labels for labels in systems.values() if labels).values()))
            print(
                table(
                    rows,
                    header=("system", "label", *causes),
                    divider=True,
                    max_col=100,
                    aligns=("l", "l", *"r" * len(causes)),
                )
            )


def markdown_scores(systems: Mapping[str, Scores]) -> str:
    """Write the scores of one set (system -> scores) as a Markdown table, for pages that are made from a JSON."""
    rows = [row for system, measures in systems.items() for row in _rows(system, measures)]
    return markdown_table(_HEADER, rows, numbers_from=2)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers_from: int = 1) -> str:
    """Write a Markdown table; columns from `numbers_from` on are aligned to the right."""
    rules = ["---" if column < numbers_from else "---:" for column in range(len(header))]
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (header, rules, *rows)]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def with_interval(row: Row) -> str:
    """Write F1 and its interval: ``0.842 (0.821-0.861)``."""
    return f"{row['f']:.3f} ({row['ci'][0]:.3f}-{row['ci'][1]:.3f})"


def _rows(system: str, measures: Scores) -> list[tuple[str, ...]]:
    strict = measures["strict"]
    return [
        (
            system if label == MICRO else "",
            label,
            f"{strict[label]['p']:.3f}" if label in strict else "-",
            f"{strict[label]['r']:.3f}" if label in strict else "-",
            *(with_interval(measures[m][label]) if label in measures[m] else "-" for m in METRICS),
        )
        for label in strict
    ]
