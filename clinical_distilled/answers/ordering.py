"""Ordering: the longest run of mentions that can stand one behind the other in the text."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from clinical_distilled.answers.places import Place

Score = tuple[int, ...]


class _Link(NamedTuple):
    score: Score
    mention: int
    place: Place
    before: "_Link | None"


def longest_run(candidates: Sequence[Sequence[Place]], merit: Callable[[int, Place], Score]) -> dict[int, Place]:
    """Choose a place for as many mentions as can stand in the order given, none overlapping.

    Among the longest runs the one with the highest sum of merits is chosen, then the one that ends first.
    This is the heaviest increasing subsequence over all (mention, place) pairs, O(pairs * log pairs).

    Parameters
    ----------
    candidates
        The places each mention could take, in the answer's order of mentions.
    merit
        ``merit(mention, place)``: how good the place is, compared from left to right.

    Returns
    -------
    dict of int to Place
        The chosen place of each mention in the run, by position in `candidates`.
    """
    # The frontier: the best run that ends at or before each token; scores rise with ends.
    ends: list[int] = []
    best: list[_Link] = []
    for mention, places in enumerate(candidates):
        links = []
        for place in places:
            behind = bisect_right(ends, place.start)
            before = best[behind - 1] if behind else None
            own = (1, *merit(mention, place))
            score = tuple(map(sum, zip(own, before.score, strict=True))) if before else own
            links.append(_Link(score, mention, place, before))
        for new in links:
            _push(ends, best, new)
    run = {}
    link: _Link | None = best[-1] if best else None
    while link is not None:
        run[link.mention] = link.place
        link = link.before
    return run


def _push(ends: list[int], best: list[_Link], link: _Link) -> None:
    """Put a run on the frontier, unless one that ends no later is as good; drop those it beats."""
    at = bisect_right(ends, link.place.end)
    if at and best[at - 1].score >= link.score:
        return
    first = last = bisect_left(ends, link.place.end)
    while last < len(best) and best[last].score <= link.score:
        last += 1
    ends[first:last] = [link.place.end]
    best[first:last] = [link]
