"""Voting rules and the resolution of overlaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_distilled.consensus.ballots import Ballot, Gold, as_spans, precisions, strict_counts
from clinical_distilled.consensus.rules import rule_named, rules_of
from clinical_distilled.consensus.verdicts import settle


def ballot(votes, spans=None):
    votes = np.array(votes, dtype=bool)
    spans = as_spans([(0, 3 * row, 3 * row + 1) for row in range(len(votes))] if spans is None else spans)
    names = tuple("abcde"[: votes.shape[1]])
    return Ballot("DISEASE", names, spans, votes, np.array([1000]))


VOTES = [(1, 1, 1), (1, 1, 0), (1, 0, 0), (0, 1, 0)]


def decided(rule, votes=VOTES, precision=None):
    one = ballot(votes)
    return rule_named(rule)(one, None if precision is None else np.array(precision))(one)


def test_union_majority_and_intersection():
    assert decided("union").kept.tolist() == [True, True, True, True]
    assert decided("majority").kept.tolist() == [True, True, False, False]
    assert decided("intersection").kept.tolist() == [True, False, False, False]
    assert decided("majority").mass.tolist() == pytest.approx([1, 2 / 3, 1 / 3, 1 / 3])


def test_the_majority_of_two_is_both():
    assert decided("majority", [(1, 1), (1, 0)]).kept.tolist() == [True, False]


def test_a_precise_teacher_outvotes_two_poor_ones():
    verdict = decided("precision_weighted", [(1, 0, 0), (0, 1, 1)], [0.97, 0.7, 0.7])
    assert verdict.kept.tolist() == [True, False]
    assert verdict.mass.sum() == pytest.approx(1)


def test_equal_precision_is_a_majority_vote():
    votes = np.random.default_rng(0).random((50, 5)) < 0.5
    weighted, plain = decided("precision_weighted", votes, [0.8] * 5), decided("majority", votes)
    assert weighted.kept.tolist() == plain.kept.tolist()
    assert weighted.mass == pytest.approx(plain.mass)


def test_a_teacher_worse_than_chance_has_no_weight():
    assert decided("precision_weighted", [(1, 0), (0, 1)], [0.2, 0.7]).mass.tolist() == pytest.approx([0, 1], abs=1e-4)


def test_k_of_n():
    assert decided("2_of_3").kept.tolist() == [True, True, False, False]
    assert decided("3_of_3").kept.tolist() == [True, False, False, False]


def test_rules_that_are_the_same_for_a_number_of_teachers_are_listed_once():
    models = ("precision_weighted", "dawid_skene", "hidden_markov")
    assert rules_of(1, reference=True) == ("single",)
    assert rules_of(2, reference=True) == ("union", "intersection", *models)
    assert rules_of(3, reference=True) == ("union", "majority", "intersection", *models)
    assert rules_of(5, reference=True) == ("union", "2_of_5", "majority", "4_of_5", "intersection", *models)
    assert "precision_weighted" not in rules_of(3, reference=False)


@pytest.mark.parametrize(
    ("spans", "mass", "kept"),
    [
        ([(0, 0, 2), (0, 1, 3)], [0.5, 0.9], [False, True]),  # heavier
        ([(0, 0, 1), (0, 0, 3)], [0.5, 0.5], [False, True]),  # longer
        ([(0, 0, 2), (0, 1, 3)], [0.5, 0.5], [True, False]),  # earlier
        ([(0, 0, 2), (0, 1, 3), (0, 2, 4)], [0.5, 0.4, 0.5], [True, False, True]),
        ([(0, 0, 2), (1, 1, 3)], [0.5, 0.9], [True, True]),  # of other documents
        ([(0, 0, 2), (0, 2, 3)], [0.5, 0.9], [True, True]),  # side by side
    ],
)
def test_the_best_of_overlapping_spans_wins(spans, mass, kept):
    assert settle(as_spans(spans), np.array(mass), np.ones(len(spans), dtype=bool)).tolist() == kept


@given(st.sets(st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(1, 4)), max_size=12), st.randoms())
def test_kept_spans_never_overlap_and_every_lost_one_touches_a_kept_one_as_good(raw, random):
    spans = sorted((doc, start, start + length) for doc, start, length in raw)
    mass = np.array([random.choice([0.2, 0.5, 0.8]) for _ in spans])
    kept = settle(as_spans(spans), mass, np.ones(len(spans), dtype=bool))
    touching = lambda a, b: a[0] == b[0] and a[1] < b[2] and b[1] < a[2]  # noqa: E731
    winners = [number for number in range(len(spans)) if kept[number]]
    assert not any(touching(spans[a], spans[b]) for a in winners for b in winners if a != b)
    for number in range(len(spans)):
        assert kept[number] or any(touching(spans[number], spans[w]) and mass[w] >= mass[number] for w in winners)


def test_a_part_of_the_teachers_has_its_own_ballot():
    part = ballot(VOTES).of(["b", "c"])
    assert part.teachers == ("b", "c")
    assert part.votes.tolist() == [[True, True], [True, False], [True, False]]


def test_counts_and_precision_leave_documents_without_reference_out():
    one = ballot([(1, 1), (1, 0), (0, 1)], [(0, 0, 1), (0, 4, 5), (1, 0, 1)])
    gold = Gold(as_spans([(0, 0, 1), (0, 8, 9)]), np.array([True, False]))
    assert strict_counts(one.spans, gold).tolist() == [[1, 1, 1]]
    assert precisions(one, gold).tolist() == pytest.approx([2 / 4, 2 / 3])
    assert precisions(one, Gold(as_spans([]), np.array([False, False]))) is None
