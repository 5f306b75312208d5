"""Precision, recall, F1 and their intervals: by hand, and against brute force."""

from itertools import combinations

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from clinical_distilled.corpora.mentions import Mention
from clinical_distilled.errors import InputError
from clinical_distilled.evaluation.metrics import f1, overlap_hits, resample_weights, score, summary, truth_of

TEXT = "Severe chest pain, took aspirin for hypertension."
NLP = spacy.blank("en")


def truth(*mentions, text=TEXT, unknown=(), labels=("DISEASE", "SYMPTOM", "MEDICATION")):
    doc = NLP.make_doc(text)
    doc.user_data["doc_id"] = "a"
    doc.user_data["unknown_labels"] = list(unknown)
    return truth_of([doc], [[Mention(*mention) for mention in mentions]], labels)


def scored(gold, found, **settings):
    return score(truth(*gold, **settings), [[Mention(*mention) for mention in found]])


def prf(row):
    return row["p"], row["r"], row["f"]


def test_a_perfect_system_has_one_everywhere():
    gold = [(7, 17, "SYMPTOM"), (24, 31, "MEDICATION")]
    result = scored(gold, gold)
    assert set(result) == {"strict", "overlap", "token"}
    assert set(result["strict"]) == {"micro", "SYMPTOM", "MEDICATION"}
    assert all(prf(row) == (1, 1, 1) and row["ci"] == [1, 1] for rows in result.values() for row in rows.values())


def test_other_borders_count_for_overlap_and_by_token_only():
    result = scored([(7, 17, "SYMPTOM")], [(0, 17, "SYMPTOM")])
    assert prf(result["strict"]["SYMPTOM"]) == (0, 0, 0)
    assert prf(result["overlap"]["SYMPTOM"]) == (1, 1, 1)
    assert prf(result["token"]["SYMPTOM"]) == (0.6667, 1, 0.8)


def test_another_label_counts_for_nothing():
    result = scored([(7, 17, "SYMPTOM")], [(7, 17, "DISEASE")])
    assert all(prf(rows["micro"]) == (0, 0, 0) for rows in result.values())


def test_one_long_mention_pays_for_one_short_one():
    result = scored([(0, 6, "SYMPTOM"), (7, 17, "SYMPTOM")], [(0, 17, "SYMPTOM")])
    assert prf(result["overlap"]["SYMPTOM"]) == (1, 0.5, 0.6667)


def test_micro_adds_the_labels_up():
    result = scored([(7, 17, "SYMPTOM"), (36, 48, "DISEASE")], [(7, 17, "SYMPTOM"), (24, 31, "DISEASE")])
    assert prf(result["strict"]["micro"]) == (0.5, 0.5, 0.5)


def test_white_space_tokens_are_no_tokens():
    result = scored([(0, 4, "SYMPTOM")], [(0, 10, "SYMPTOM")], text="Pain\n\n    chest")
    assert prf(result["token"]["SYMPTOM"]) == (1, 1, 1)


def test_an_unknown_label_is_neither_right_nor_wrong():
    result = scored([(36, 48, "DISEASE")], [(36, 48, "DISEASE"), (7, 17, "SYMPTOM")], unknown=["SYMPTOM"])
    assert set(result["strict"]) == {"micro", "DISEASE"}
    assert prf(result["strict"]["micro"]) == (1, 1, 1)


def test_a_label_nobody_knows_is_refused_with_its_document():
    with pytest.raises(InputError, match=r"Document a: .*'DRUG'"):
        truth((24, 31, "DRUG"))


def test_no_document_is_refused():
    with pytest.raises(InputError, match="no document"):
        truth_of([], [])


def test_nothing_to_find_and_nothing_found_is_zero_not_an_error():
    assert scored([], [])["strict"] == {"micro": {"p": 0.0, "r": 0.0, "f": 0.0, "ci": [0.0, 0.0]}}


def test_the_interval_is_the_percentile_of_documents_drawn_anew():
    counts = np.random.default_rng(1).integers(0, 6, size=(40, 3))
    rng = np.random.default_rng(7)
    drawn = [counts[rng.integers(0, 40, size=40)].sum(axis=0) for _ in range(20_000)]
    expected = np.percentile(f1(np.array(drawn, dtype=float)), [2.5, 97.5])
    row = summary(counts)
    assert row["ci"] == pytest.approx(expected, abs=0.01)
    assert row["ci"][0] < row["f"] < row["ci"][1]


def test_the_same_seed_gives_the_same_interval():
    counts = np.random.default_rng(1).integers(0, 6, size=(40, 3))
    first = summary(counts, seed=3)
    resample_weights.cache_clear()
    assert summary(counts, seed=3) == first
    assert summary(counts, seed=4) != first


@st.composite
def entities(draw):
    """Mentions of one label that do not overlap each other."""
    borders = sorted(draw(st.sets(st.integers(0, 24), max_size=10)))
    return [Mention(start, end, "X") for start, end in zip(borders[::2], borders[1::2], strict=False)]


@given(entities(), entities())
def test_overlap_hits_are_the_largest_pairing(gold, found):
    pairs = [(a, b) for a in gold for b in found if a.start < b.end and b.start < a.end]
    best = 0
    for size in range(min(len(gold), len(found)), 0, -1):
        if any(len({a for a, _ in some}) == len({b for _, b in some}) == size for some in combinations(pairs, size)):
            best = size
            break
    assert overlap_hits(gold, found) == best


@given(entities(), entities())
def test_overlap_is_never_below_strict_and_swapping_sides_swaps_precision_and_recall(gold, found):
    text = "abcdefghijklmnopqrstuvwxyz"
    there = scored(gold, found, text=text, labels=("X",)) if gold or found else None
    if there is None:
        return
    back = scored(found, gold, text=text, labels=("X",))
    for measure in there:
        assert there[measure]["micro"]["p"] == back[measure]["micro"]["r"]
    assert there["overlap"]["micro"]["f"] >= there["strict"]["micro"]["f"]
