"""Votes: several answers to one prompt become mentions with the share of answers that agree (self-consistency).

Wang et al., "Self-Consistency Improves Chain of Thought Reasoning" (arXiv 2203.11171), for mentions.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from spacy.tokens import Doc

from clinical_distilled.answers.alignment import Aligned, align
from clinical_distilled.answers.formats import Format, Problem
from clinical_distilled.answers.requests import FailedAnswer
from clinical_distilled.answers.windows import Window

Stretch = tuple[int, int, str]  # token start, end (exclusive) and label, in the whole document
Lost = dict[str, str]  # {"text", "label", "reason"}


@dataclass(frozen=True)
class Vote:
    """What is known of a mention: how the first answer that has it wrote and explained it, and who else has it."""

    status: str
    rationale: str
    mass: float


def count_votes(
    window: Window, answers: Sequence[str], format_: Format, labels: Collection[str]
) -> tuple[dict[Stretch, Vote], list[Lost]]:
    """Read, align and count the answers about one window.

    An answer that failed, or in which nothing can be read, is no vote for "no mention": it does not count.

    Returns
    -------
    dict
        Each mention in the window's core, with the share of readable answers that have it.
    list of dict
        What was lost in any answer, each once; a problem of an answer as an entry without text.
    """
    doc = window.doc
    lost: list[Lost] = []
    ballots = []
    for answer in answers:
        aligned, problem = _read(doc, answer, format_, labels)
        if problem:
            lost.append({"text": "", "label": "", "reason": problem})
        if aligned is not None:
            ballots.append(aligned)
            lost += [_lost(one) for one in aligned if one.loss is not None]
    votes: dict[Stretch, Vote] = {}
    for aligned in ballots:
        for one in aligned:
            if one.place is None or not window.decides(window.start + one.place.start):
                continue
            stretch = (window.start + one.place.start, window.start + one.place.end, one.label)
            known = votes.get(stretch, Vote(one.status.value, one.mention.rationale, 0.0))
            votes[stretch] = Vote(known.status, known.rationale or one.mention.rationale, known.mass + 1)
    shares = {stretch: Vote(vote.status, vote.rationale, vote.mass / len(ballots)) for stretch, vote in votes.items()}
    return shares, _unique(lost) if len(answers) > 1 else lost


def _read(doc: Doc, answer: str, format_: Format, labels: Collection[str]) -> tuple[list[Aligned] | None, str | None]:
    """Return the aligned mentions of an answer, None if there is nothing to read, and what is wrong with it."""
    if isinstance(answer, FailedAnswer):
        return None, f"no answer: {answer.error}"
    parsed = format_.parse(answer, doc.text, labels)
    if parsed.problem in (Problem.EMPTY, Problem.UNREADABLE):
        return None, parsed.problem.value
    return align(doc, parsed.mentions, labels), parsed.problem.value if parsed.problem else None


def _lost(one: Aligned) -> Lost:
    return {"text": one.mention.text, "label": one.mention.label, "reason": one.loss.value if one.loss else ""}


def _unique(lost: Iterable[Lost]) -> list[Lost]:
    return [dict(items) for items in dict.fromkeys(tuple(one.items()) for one in lost)]
