"""Placing: what renderers need of mentions, their offsets in the text and their groups by label."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from clinical_distilled.answers.mentions import AnswerMention


def placed(mentions: Sequence[AnswerMention], text: str) -> list[AnswerMention]:
    """Give offsets to the mentions that have none: the next place in the text, or the first; drop what has no place."""
    result = []
    reached = 0
    for mention in mentions:
        if mention.start is None or mention.end is None:
            start = text.find(mention.text, reached)
            start = text.find(mention.text) if start < 0 else start
            if start < 0:
                continue
            result.append(replace(mention, start=start, end=start + len(mention.text)))
        else:
            result.append(mention)
        reached = result[-1].end or 0
    return result


def stretches(mentions: Sequence[AnswerMention], text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, label) of the mentions in the order of the text, without what overlaps an earlier one."""
    result: list[tuple[int, int, str]] = []
    for start, end, label in sorted((m.start or 0, m.end or 0, m.label) for m in placed(mentions, text)):
        if not result or start >= result[-1][1]:
            result.append((start, end, label))
    return result


def by_label(mentions: Iterable[AnswerMention]) -> dict[str, list[AnswerMention]]:
    """Group mentions by label, in the order in which the labels come first."""
    groups: dict[str, list[AnswerMention]] = defaultdict(list)
    for mention in mentions:
        groups[mention.label].append(mention)
    return dict(groups)
