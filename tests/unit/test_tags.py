from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from clinical_distilled.runtime.tags import Tagged, Tags, log_softmax

TAGS = Tags(("DISEASE", "SYMPTOM"))


def is_legal(names: list[str]) -> bool:
    before = "O"
    for name in names:
        if name.startswith("I-") and before not in (f"B-{name[2:]}", name):
            return False
        before = name
    return True


@given(npst.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(5)), elements=st.floats(-5, 5, width=16)))
def test_decode_finds_the_best_legal_sequence(scores):
    best = max(
        (sum(float(scores[i, tag]) for i, tag in enumerate(tags)), tags)
        for tags in product(range(5), repeat=len(scores))
        if is_legal([TAGS.names[tag] for tag in tags])
    )
    found = TAGS.decode(scores)
    assert is_legal([TAGS.names[tag] for tag in found])
    assert sum(float(scores[i, tag]) for i, tag in enumerate(found)) == pytest.approx(best[0], abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 1)), max_size=6), st.integers(0, 3))
def test_entities_come_back_from_their_tags(parts, rest):
    entities, at = [], 0
    for gap, length, label in parts:
        entities.append(Tagged(at + gap, at + gap + length, label))
        at += gap + length
    assert TAGS.entities(TAGS.encode(entities, at + rest)) == entities


def test_no_tokens_have_no_tags():
    assert TAGS.decode(np.zeros((0, 5), np.float32)).tolist() == []
    assert TAGS.entities(np.zeros(0, np.int64)) == []


def test_confidence_is_the_probability_of_the_whole_entity_and_of_its_end():
    probabilities = np.array(
        [[0.1, 0.9, 0, 0, 0], [0.2, 0, 0.8, 0, 0], [0.75, 0, 0.25, 0, 0]],
        np.float32,
    )
    assert TAGS.confidence(Tagged(0, 2, 0), probabilities) == pytest.approx(0.9 * 0.8 * 0.75)


def test_log_softmax_survives_large_logits():
    assert np.exp(log_softmax(np.array([[1000.0, 0.0]], np.float32))).tolist() == [[1.0, 0.0]]
