"""Label models: how reliable each teacher is, and what is true, learned from the votes alone.

Both models see one label and three states of a token: outside, begin, inside. Each teacher has a confusion matrix.

Dawid-Skene (1979)
    Tokens are independent of each other.
Hidden Markov model (Nguyen et al. 2017; Lison et al. 2020, the model of skweak)
    A token's state depends on the one before; an inside token cannot follow an outside one.

Both are fitted by expectation maximisation. Tokens that no teacher marked are taken as outside.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clinical_distilled.consensus.ballots import Ballot, Spans, keys
from clinical_distilled.consensus.decoding import best_spans, passes, span_probability
from clinical_distilled.consensus.runs import BEGIN, INSIDE, OUTSIDE, Runs, runs_of
from clinical_distilled.consensus.verdicts import Verdict

Floats = NDArray[np.float64]

_ROUNDS, _TOLERANCE = 50, 1e-3
_RIGHT, _ANY = 1.0, 0.1  # pseudo-counts: a teacher is sooner right than wrong


@dataclass(frozen=True)
class LabelModel:
    """A fitted model.

    Attributes
    ----------
    transitions : array, shape (3, 3)
        Probability of the next state (last axis); all rows alike in Dawid-Skene.
    confusion : array, shape (teachers, 3, 3)
        Probability of a teacher's tag (last axis) in a state.
    """

    transitions: Floats
    confusion: Floats

    def __call__(self, ballot: Ballot) -> Verdict:
        """Decide on a ballot: spans of the most probable states are kept, the mass is an exact span's probability."""
        runs = runs_of(ballot)
        decoded = best_spans(runs, self.transitions, self.confusion)
        spans: Spans = np.unique(np.concatenate([ballot.spans, decoded]), axis=0)
        mass = span_probability(runs, spans, self.transitions, self.confusion)
        return Verdict(spans, mass, np.isin(keys(spans), keys(decoded)))


def fit(ballot: Ballot, *, markov: bool) -> LabelModel:
    """Learn a model from a ballot by expectation maximisation, starting from the teachers' shares of the votes.

    Parameters
    ----------
    markov
        Whether states depend on the one before (hidden Markov model) or not (Dawid-Skene).
    """
    runs = runs_of(ballot)
    shape = runs.tags.shape
    tags = np.eye(3)[runs.tags]
    states = tags.mean(axis=2)
    # One state before the run and one behind it, both outside.
    around = np.concatenate([_outside(shape[0]), states, _outside(shape[0])], axis=1)
    moves = np.einsum("pka,pkb->pkab", around[:, :-1], around[:, 1:])
    model = _maximise(runs, tags, states, moves, markov=markov)
    for _ in range(_ROUNDS):
        states, moves = _expect(model, runs)
        last, model = model, _maximise(runs, tags, states, moves, markov=markov)
        if np.abs(model.confusion - last.confusion).max() < _TOLERANCE:
            break
    return model


def _expect(model: LabelModel, runs: Runs) -> tuple[Floats, Floats]:
    """Return the probability of states (patterns, longest, 3) and of moves (patterns, longest + 1, 3, 3)."""
    forward, backward, emission, scale = passes(runs, model.transitions, model.confusion)
    arrive = emission[:, 1:] * backward[:, 1:] / scale[:, 1:, None]
    moves = forward[:, :-1, :, None] * model.transitions * arrive[:, :, None, :]
    return (forward * backward)[:, 1:-1], moves


def _maximise(runs: Runs, tags: Floats, states: Floats, moves: Floats, *, markov: bool) -> LabelModel:
    place = np.arange(states.shape[1] + 1)
    weight = runs.counts[:, None] * (place[:-1] < runs.lengths[:, None])
    move_weight = runs.counts[:, None] * (place <= runs.lengths[:, None])
    confusion = np.einsum("pk,pks,pktv->tsv", weight, states, tags, optimize=True) + _ANY + _RIGHT * np.eye(3)
    confusion[:, OUTSIDE, OUTSIDE] += runs.outside
    if markov:
        transitions = np.einsum("pk,pkab->ab", move_weight, moves) + _ANY
        transitions[OUTSIDE, OUTSIDE] += max(runs.outside - len(runs.pattern), 0)
        transitions[OUTSIDE, INSIDE] = 0
    else:
        share = np.einsum("pk,pks->s", weight, states) + _ANY
        share[OUTSIDE] += runs.outside
        transitions = np.tile(share, (3, 1))
    return LabelModel(transitions / transitions.sum(axis=1, keepdims=True), _one_miss_rate(confusion))


def _one_miss_rate(confusion: Floats) -> Floats:
    """Turn counts into probabilities; a teacher misses as many inside tokens as beginnings.

    It misses mentions, not tokens. Left free, every border on which teachers differ teaches that missing an inside
    token is nothing unusual, and each mention grows to the longest that any teacher gave.
    """
    shares: Floats = confusion / confusion.sum(axis=2, keepdims=True)
    miss = shares[:, BEGIN, OUTSIDE]
    marked = shares[:, INSIDE, OUTSIDE + 1 :]
    shares[:, INSIDE, OUTSIDE + 1 :] = marked / marked.sum(axis=1, keepdims=True) * (1 - miss)[:, None]
    shares[:, INSIDE, OUTSIDE] = miss
    return shares


def _outside(patterns: int) -> Floats:
    return np.tile(np.eye(3)[OUTSIDE], (patterns, 1, 1))
