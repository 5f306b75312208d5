"""Near-duplicates: what MinHash finds is what comparing every pair finds."""

import itertools
import random

import pytest

from clinical_distilled.corpora.leaks import THRESHOLD, Pair, groups, near_duplicates


def trigrams(text):
    words = "".join(char if char.isalnum() else " " for char in text.lower()).split()
    return {tuple(words[i : i + 3]) for i in range(max(1, len(words) - 2))}


def brute_force(texts):
    sets = [trigrams(text) for text in texts]
    for (i, left), (j, right) in itertools.combinations(enumerate(sets), 2):
        similarity = len(left & right) / len(left | right)
        if similarity >= THRESHOLD:
            yield i, j


@pytest.mark.parametrize("seed", range(5))
def test_groups_equal_those_of_comparing_all_pairs(seed):
    rng = random.Random(seed)
    texts = []
    for _ in range(40):
        words = [f"w{rng.randrange(300)}" for _ in range(rng.randrange(3, 120))]
        texts.append(" ".join(words))
        for _ in range(rng.randrange(3)):  # up to two versions with a few words changed
            version = [word if rng.random() > 0.02 else "changed" for word in words]
            texts.append(", ".join(version))

    found = groups(len(texts), near_duplicates(texts))

    assert found == groups(len(texts), (Pair(i, j, 1.0) for i, j in brute_force(texts)))
    assert len(set(found)) < len(texts)


def test_case_punctuation_and_white_space_do_not_make_a_difference():
    texts = ["Fever, cough; no rash.", "unrelated words stand here", "fever\ncough   NO rash"]

    assert list(near_duplicates(texts)) == [Pair(0, 2, 1.0)]


def test_texts_without_words_are_compared_as_they_are():
    assert list(near_duplicates(["...", "---", " ... "])) == [Pair(0, 2, 1.0)]


def test_one_changed_word_in_a_long_note_is_found_and_half_a_note_is_not():
    words = [f"w{i}" for i in range(200)]
    changed = [*words[:100], "other", *words[101:]]
    half = words[:100] + [f"v{i}" for i in range(100)]

    pairs = list(near_duplicates([" ".join(words), " ".join(changed), " ".join(half)]))

    assert [(first, second) for first, second, _ in pairs] == [(0, 1)]
    assert pairs[0].similarity == pytest.approx(195 / 201)


def test_groups_join_through_others():
    assert groups(5, [Pair(3, 4, 1.0), Pair(1, 3, 0.8)]) == [0, 1, 2, 1, 1]
