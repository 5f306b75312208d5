"""Why a mention is wrong: its borders, its label, both, missed or spurious."""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from clinical_distilled.corpora.mentions import Mention
from clinical_distilled.evaluation.metrics import Mentions, Truth, known


class Cause(str, Enum):
    """What is wrong with a mention."""

    LABEL = "label"  # right borders, another label
    BOUNDARY = "boundary"  # right label, other borders that overlap
    BOTH = "both"  # another label and other borders that overlap
    MISSED = "missed"  # nothing found there
    SPURIOUS = "spurious"  # nothing to be found there


class Wrong(NamedTuple):
    """One error: the document, the cause, what was to be found and what was found (None where nothing was)."""

    doc_id: str
    cause: Cause
    gold: Mention | None
    found: Mention | None


def errors_of(truth: Truth, predicted: Sequence[Mentions]) -> list[Wrong]:
    """List the errors of a system against `truth`, document by document.

    What is exactly right is set aside first. The rest is paired one to one, from left to right: first same
    borders with another label, then same label with overlapping borders, then any overlap. What stays alone
    is missed or spurious.
    """
    gold, found = known(truth, truth.mentions), known(truth, predicted)
    return [
        wrong for name, mine, theirs in zip(truth.ids, gold, found, strict=True) for wrong in _pair(name, mine, theirs)
    ]


def by_cause(wrong: Sequence[Wrong]) -> dict[str, dict[str, int]]:
    """Count errors: label -> cause -> number. The label is the gold one; of a spurious mention, its own."""
    counts = Counter((_label(error), error.cause.value) for error in wrong)
    return {
        label: {cause.value: counts[label, cause.value] for cause in Cause}
        for label in sorted({label for label, _ in counts})
    }


def to_json(wrong: Sequence[Wrong]) -> dict[str, Any]:
    """Return counts by label and cause and the list of errors, with offsets and without the text of notes."""
    return {
        "counts": by_cause(wrong),
        "errors": [
            {
                "doc_id": error.doc_id,
                "cause": error.cause.value,
                "gold": list(error.gold) if error.gold else None,
                "found": list(error.found) if error.found else None,
            }
            for error in wrong
        ],
    }


def _label(error: Wrong) -> str:
    mention = error.gold or error.found
    return mention.label if mention else ""


def _pair(name: str, gold: Mentions, found: Mentions) -> list[Wrong]:
    right = set(gold) & set(found)
    mine, theirs = sorted(set(gold) - right), sorted(set(found) - right)
    wrong = []
    for cause, alike in _RULES:
        for left in list(mine):
            partner = next((other for other in theirs if alike(left, other)), None)
            if partner is not None:
                mine.remove(left)
                theirs.remove(partner)
                wrong.append(Wrong(name, cause, left, partner))
    wrong += [Wrong(name, Cause.MISSED, left, None) for left in mine]
    wrong += [Wrong(name, Cause.SPURIOUS, None, other) for other in theirs]
    return sorted(wrong, key=lambda error: (error.gold or error.found or Mention(0, 0, ""), error.cause.value))


def _touch(a: Mention, b: Mention) -> bool:
    return a.start < b.end and b.start < a.end


_RULES: tuple[tuple[Cause, Callable[[Mention, Mention], bool]], ...] = (
    (Cause.LABEL, lambda a, b: (a.start, a.end) == (b.start, b.end)),
    (Cause.BOUNDARY, lambda a, b: a.label == b.label and _touch(a, b)),
    (Cause.BOTH, _touch),
)
