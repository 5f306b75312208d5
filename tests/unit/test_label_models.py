"""Dawid-Skene and the hidden Markov model: against brute force, and on votes whose truth is known."""

from itertools import pairwise, product

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, Span

from clinical_distilled.consensus.ballots import Ballot, Gold, as_spans, strict_counts
from clinical_distilled.consensus.decoding import best_spans, span_probability
from clinical_distilled.consensus.label_models import LabelModel, fit
from clinical_distilled.consensus.rules import rule_named
from clinical_distilled.consensus.runs import runs_of
from clinical_distilled.evaluation.metrics import summary

RELIABLE = {
    "a": (0.95, 0.03, 0.2),
    "b": (0.9, 0.05, 0.3),
    "c": (0.85, 0.1, 0.5),
    "d": (0.4, 0.1, 2),
    "e": (0.3, 0.3, 3),
}


def ballot_from(given, documents=1, length=30):
    """Build a ballot from teacher -> set of (document, start, end)."""
    spans = sorted(set().union(*given.values()))
    votes = np.array([[span in given[name] for name in given] for span in spans], dtype=bool).reshape(-1, len(given))
    return Ballot("DISEASE", tuple(given), as_spans(spans), votes, np.full(documents, length))


def invented(seed, documents=120, length=60):
    """Invent a truth and teachers that find a share of it, move some borders, and mark some words besides."""
    rng = np.random.default_rng(seed)
    gold = {
        (d, s, s + int(rng.integers(1, 4)))
        for d in range(documents)
        for s in range(0, length - 6, 6)
        if rng.random() < 0.5
    }
    given = {}
    for name, (finds, moves, invents) in RELIABLE.items():
        given[name] = {(d, s, e + int(rng.random() < moves)) for d, s, e in sorted(gold) if rng.random() < finds}
        given[name] |= {
            (d, int(s), int(s) + 1) for d in range(documents) for s in rng.integers(0, length - 1, rng.poisson(invents))
        }
    return ballot_from(given, documents, length), Gold(as_spans(sorted(gold)), np.ones(documents, dtype=bool))


def f1_of(rule, ballot, gold):
    verdict = rule_named(rule)(ballot, None)(ballot)
    return summary(strict_counts(verdict.spans[verdict.kept], gold))


def model_of(markov, teachers=2, seed=0):
    rng = np.random.default_rng(seed)
    transitions = rng.dirichlet(np.ones(3), size=3)
    if markov:
        transitions[0] = [0.8, 0.2, 0]
    else:
        transitions[:] = transitions[0]
    return LabelModel(transitions, rng.dirichlet(np.ones(3), size=(teachers, 3)))


def every_reading(model, tags):
    """Yield each sequence of states of a run and its probability together with the tags, from outside to outside."""
    for states in product(range(3), repeat=len(tags)):
        path = (0, *states, 0)
        probability = np.prod([model.transitions[a, b] for a, b in pairwise(path)])
        for state, row in zip(states, tags, strict=True):
            probability *= np.prod([model.confusion[t, state, tag] for t, tag in enumerate(row)])
        yield states, probability


def spans_in(states):
    begins = [k for k, state in enumerate(states) if state == 1 or (state == 2 and (k == 0 or states[k - 1] == 0))]
    return {(b, next((k for k in range(b + 1, len(states)) if states[k] != 2), len(states))) for b in begins}


@pytest.mark.parametrize("markov", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_span_probabilities_and_best_states_are_those_of_brute_force(markov, seed):
    model = model_of(markov, seed=seed)
    ballot = ballot_from({"a": {(0, 4, 6), (0, 6, 9), (0, 20, 21)}, "b": {(0, 5, 8)}})
    runs = runs_of(ballot)
    tags = np.array([(1, 0), (2, 1), (1, 2), (2, 2), (2, 0)])  # tokens 4 to 8
    readings = list(every_reading(model, tags))
    total = sum(probability for _, probability in readings)
    wanted = [(s, e) for s in range(5) for e in range(s + 1, 6)]
    expected = [sum(p for states, p in readings if span in spans_in(states)) / total for span in wanted]
    spans = as_spans([(0, 4 + s, 4 + e) for s, e in wanted])
    assert span_probability(runs, spans, model.transitions, model.confusion) == pytest.approx(expected)
    best = max(readings, key=lambda reading: reading[1])[0]
    decoded = best_spans(runs, model.transitions, model.confusion).tolist()
    assert [span for span in decoded if span[1] < 10] == [[0, 4 + s, 4 + e] for s, e in sorted(spans_in(best))]


def test_runs_keep_documents_apart_and_count_each_pattern_once():
    runs = runs_of(ballot_from({"a": {(0, 28, 30), (1, 0, 2), (1, 5, 7)}, "b": {(1, 5, 6)}}, documents=2))
    assert runs.document.tolist() == [0, 1, 1]
    assert runs.start.tolist() == [28, 0, 5]
    assert runs.counts.tolist() == [2, 1]
    assert runs.outside == 60 - 6


def test_of_a_teachers_overlapping_spans_the_longest_counts():
    assert runs_of(ballot_from({"a": {(0, 1, 2), (0, 1, 4)}})).tags[0, :, 0].tolist() == [1, 2, 2]


@pytest.mark.parametrize("rule", ["dawid_skene", "hidden_markov"])
@pytest.mark.parametrize("seed", range(3))
def test_label_models_are_not_below_the_majority(rule, seed):
    ballot, gold = invented(seed)
    assert f1_of(rule, ballot, gold)["ci"][1] >= f1_of("majority", ballot, gold)["f"]


def test_the_hidden_markov_model_beats_the_majority_where_teachers_differ_much():
    ballot, gold = invented(0)
    assert f1_of("hidden_markov", ballot, gold)["ci"][0] > f1_of("majority", ballot, gold)["f"]


def test_the_reliable_teacher_is_found_without_gold():
    ballot, _ = invented(1)
    found = fit(ballot, markov=True).confusion[:, 1, 1]  # a mention's beginning tagged as such
    assert found[:3].min() > found[3:].max()


@pytest.mark.parametrize("rule", ["dawid_skene", "hidden_markov"])
def test_mass_is_a_probability_and_kept_spans_do_not_overlap(rule):
    ballot, _ = invented(2, documents=30)
    verdict = rule_named(rule)(ballot, None)(ballot)
    assert ((verdict.mass >= 0) & (verdict.mass <= 1)).all()
    kept = verdict.spans[verdict.kept]
    assert ((kept[1:, 1] >= kept[:-1, 2]) | (kept[1:, 0] > kept[:-1, 0])).all()
    assert {tuple(span) for span in ballot.spans} <= {tuple(span) for span in verdict.spans}


@pytest.mark.parametrize("rule", ["dawid_skene", "hidden_markov"])
def test_no_votes_give_no_mentions(rule):
    empty = ballot_from({"a": set(), "b": set()})
    full = ballot_from({"a": {(0, 1, 2)}, "b": {(0, 1, 2)}})
    assert len(rule_named(rule)(empty, None)(empty).spans) == 0
    assert len(rule_named(rule)(full, None)(empty).spans) == 0


def test_skweak_finds_the_same_mentions_on_a_small_case():
    skweak = pytest.importorskip("skweak", reason="skweak is not installed: pip install skweak in an own environment")
    ballot, gold = invented(0, documents=60)
    vocab = spacy.blank("en").vocab
    docs = [Doc(vocab, words=["word"] * 60) for _ in range(60)]
    for doc in docs:
        for name in ballot.teachers:
            doc.spans[name] = []
    for (row, start, end), votes in zip(ballot.spans, ballot.votes, strict=True):
        for name in np.array(ballot.teachers)[votes]:
            doc = docs[row]
            if not any(span.start < end and start < span.end for span in doc.spans[name]):
                doc.spans[name].append(Span(doc, int(start), int(end), label="DISEASE"))
    docs = skweak.generative.HMM("hmm", ["DISEASE"]).fit_and_aggregate(docs)
    theirs = {(row, span.start, span.end) for row, doc in enumerate(docs) for span in doc.spans["hmm"]}
    verdict = rule_named("hidden_markov")(ballot, None)(ballot)
    ours = {tuple(span) for span in verdict.spans[verdict.kept].tolist()}
    truth = {tuple(span) for span in gold.spans.tolist()}
    f1 = [2 * len(found & truth) / (len(found) + len(truth)) for found in (theirs, ours)]
    assert 2 * len(ours & theirs) / (len(ours) + len(theirs)) > 0.9
    assert f1[1] >= f1[0] - 0.02
