"""Names that mislead: found in a corpus again and again where the reference has nothing of the kind."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from spacy.tokens import Doc, Span

from clinical_distilled.corpora.docs import REFERENCE
from clinical_distilled.errors import InputError
from clinical_distilled.runtime.matcher import Match, TermMatcher


@dataclass(frozen=True)
class StopRule:
    """When a name misleads.

    Attributes
    ----------
    min_found : int
        It was found at least so often,
    max_precision : float
        and at most this share of the places overlaps a mention of one of its labels. A mention with other bounds
        ("RLL pneumonia") is no reason to give "pneumonia" up.
    """

    min_found: int = 5
    max_precision: float = 0.2


DEFAULT_RULE = StopRule()


class Misleading(NamedTuple):
    """A name that was found `found` times, `right` of them rightly."""

    surface: str
    found: int
    right: int


def learn(
    matcher: TermMatcher, docs: Iterable[Doc], rule: StopRule = DEFAULT_RULE, group: str = REFERENCE
) -> list[Misleading]:
    """Return the names that mislead in a corpus, the worst first.

    Parameters
    ----------
    docs
        Documents with the annotation to trust in ``doc.spans[group]``: a reference, or a teacher's mentions.

    Raises
    ------
    InputError
        If no document has that annotation.
    """
    found: Counter[str] = Counter()
    right: Counter[str] = Counter()
    annotated = False
    for doc in docs:
        if group not in doc.spans:
            continue
        annotated = True
        reference = list(doc.spans[group])
        for match in matcher(doc):
            text = " ".join(doc[match.start : match.end].text.split())
            surface = text if matcher.by_case(text) else text.lower()
            found[surface] += 1
            right[surface] += _is_right(match, reference)
    if not annotated:
        raise InputError(f"No document has the span group {group!r}: a stop-list needs annotated documents.")
    misleading = [
        Misleading(surface, count, right[surface])
        for surface, count in found.items()
        if count >= rule.min_found and right[surface] <= rule.max_precision * count
    ]
    return sorted(misleading, key=lambda name: (name.right - name.found, name.surface))


def _is_right(match: Match, reference: list[Span]) -> bool:
    return any(span.start < match.end and match.start < span.end and span.label_ in match.labels for span in reference)
