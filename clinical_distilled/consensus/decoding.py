"""Sequences under a label model: forward and backward passes, the best states, the probability of an exact span.

Arrays over a pattern have one place before its first token and one behind its last, where nothing is marked and the
state is outside; so have those of shorter patterns in the places behind them.
"""

import numpy as np
from numpy.typing import NDArray

from clinical_distilled.consensus.ballots import Spans
from clinical_distilled.consensus.runs import BEGIN, INSIDE, OUTSIDE, Runs

Floats = NDArray[np.float64]


def passes(runs: Runs, transitions: Floats, confusion: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Run the scaled forward-backward algorithm (Rabiner 1989) over all patterns at once.

    Returns
    -------
    forward, backward, emission : arrays, shape (patterns, longest + 2, 3)
        The product of the first two is the probability of a state.
    scale : array, shape (patterns, longest + 2)
    """
    emission = np.exp(_log_emission(runs, confusion))
    forward, backward = np.zeros_like(emission), np.ones_like(emission)
    scale = np.ones(emission.shape[:2])
    forward[:, 0, OUTSIDE] = 1
    for place in range(1, emission.shape[1]):
        step = forward[:, place - 1] @ transitions * emission[:, place]
        scale[:, place] = step.sum(axis=1)
        forward[:, place] = step / scale[:, place, None]
    for place in range(emission.shape[1] - 1, 0, -1):
        arrive = emission[:, place] * backward[:, place] / scale[:, place, None]
        backward[:, place - 1] = arrive @ transitions.T
    return forward, backward, emission, scale


def best_spans(runs: Runs, transitions: Floats, confusion: Floats) -> Spans:
    """Return the spans of each run's most probable states (Viterbi), sorted."""
    with np.errstate(divide="ignore"):
        log_transitions = np.log(transitions)
    emission = _log_emission(runs, confusion)
    came_from = np.zeros(emission.shape, dtype=np.int8)
    score = np.where(np.arange(3) == OUTSIDE, 0.0, -np.inf) + np.zeros((len(emission), 1))
    for place in range(1, emission.shape[1]):
        ways = score[:, :, None] + log_transitions
        came_from[:, place] = ways.argmax(axis=1)
        score = ways.max(axis=1) + emission[:, place]
    states = np.zeros(emission.shape[:2], dtype=np.int8)
    for place in range(emission.shape[1] - 1, 0, -1):
        states[:, place - 1] = came_from[np.arange(len(states)), place, states[:, place]]
    return _located(states, runs)


def span_probability(runs: Runs, spans: Spans, transitions: Floats, confusion: Floats) -> Floats:
    """Return the probability that a span is a mention with exactly these borders, shape (spans,).

    Each span must lie within one run.
    """
    forward, backward, emission, scale = passes(runs, transitions, confusion)
    heads = runs.offsets[runs.document] + runs.start
    first = runs.offsets[spans[:, 0]] + spans[:, 1]
    run = np.searchsorted(heads, first, side="right") - 1
    pattern = runs.pattern[run]
    begin = first - heads[run] + 1  # the place of the first token
    end = begin + spans[:, 2] - spans[:, 1]  # the place behind the last one
    likely = emission / scale[:, :, None]
    before, here = forward[pattern, begin - 1], likely[pattern, begin]
    # In Dawid-Skene a mention may begin with an inside token.
    opened = before @ transitions[:, BEGIN] * here[:, BEGIN]
    opened += before[:, OUTSIDE] * transitions[OUTSIDE, INSIDE] * here[:, INSIDE]
    # Places around a pattern are never inside; they are no part of a span, so their zeros may be anything.
    inside = np.where(likely[:, :, INSIDE] > 0, transitions[INSIDE, INSIDE] * likely[:, :, INSIDE], 1.0)
    going_on = np.cumsum(np.log(inside), axis=1)
    second = transitions[BEGIN, INSIDE] * likely[pattern, np.minimum(begin + 1, end), INSIDE]
    rest = np.exp(going_on[pattern, end - 1] - going_on[pattern, np.minimum(begin + 1, end - 1)])
    several = end - begin > 1
    last = np.where(several, INSIDE, BEGIN)
    behind = likely[pattern, end] * backward[pattern, end] * transitions[last]
    result: Floats = opened * np.where(several, second * rest, 1.0) * (behind[:, OUTSIDE] + behind[:, BEGIN])
    return np.clip(result, 0.0, 1.0)


def _log_emission(runs: Runs, confusion: Floats) -> Floats:
    """Return log P(tags | state), up to a constant per token; only outside is possible around a pattern."""
    patterns, longest, teachers = runs.tags.shape
    total = np.zeros((patterns, longest, 3))
    for teacher in range(teachers):
        total += np.log(confusion[teacher]).T[runs.tags[:, :, teacher]]
    total -= total.max(axis=2, keepdims=True)
    nothing = np.where(np.arange(3) == OUTSIDE, 0.0, -np.inf)
    result = np.tile(nothing, (patterns, longest + 2, 1))
    inside = np.arange(longest) < runs.lengths[:, None]
    result[:, 1:-1][inside] = total[inside]
    return result


def _located(states: NDArray[np.int8], runs: Runs) -> Spans:
    """Turn the states of patterns into spans of all runs."""
    starts = (states == BEGIN) | ((states == INSIDE) & (np.roll(states, 1, axis=1) == OUTSIDE))
    ends = (states != OUTSIDE) & (np.roll(states, -1, axis=1) != INSIDE)
    pattern, first = np.nonzero(starts)
    _, last = np.nonzero(ends)
    number = np.bincount(pattern, minlength=len(states))
    origin = np.cumsum(number) - number
    per_run = number[runs.pattern]
    run = np.repeat(np.arange(len(runs.pattern)), per_run)
    span = origin[runs.pattern[run]] + np.arange(len(run)) - np.repeat(np.cumsum(per_run) - per_run, per_run)
    head = runs.start[run] - 1  # places count from the one before the run
    spans: Spans = np.stack([runs.document[run], head + first[span], head + last[span] + 1], axis=1)
    return spans
