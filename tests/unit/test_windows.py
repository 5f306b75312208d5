import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical_distilled.runtime.windows import windows

SIZE = 12


@given(st.lists(st.integers(1, SIZE), max_size=60), st.integers(0, SIZE - 1))
def test_kept_parts_are_the_whole_and_no_window_is_too_long(counts, overlap):
    cut = windows(np.array(counts, np.int64), SIZE, overlap)

    assert [i for w in cut for i in range(w.keep_start, w.keep_end)] == list(range(len(counts)))
    for w in cut:
        assert w.start <= w.keep_start < w.keep_end <= w.end
        assert sum(counts[w.start : w.end]) <= SIZE


def test_a_token_is_kept_where_it_stands_further_from_the_edge():
    first, second = windows(np.ones(18, np.int64), 12, 6)

    assert (first.start, first.end, second.start, second.end) == (0, 12, 6, 18)
    assert first.keep_end == second.keep_start == 9


def test_what_fits_is_one_window():
    assert windows(np.ones(12, np.int64), 12, 6) == [(0, 12, 0, 12)]


@pytest.mark.parametrize("overlap", [-1, 12])
def test_an_impossible_overlap_is_refused(overlap):
    with pytest.raises(ValueError, match="overlap"):
        windows(np.ones(3, np.int64), 12, overlap)


def test_a_token_without_pieces_is_refused():
    with pytest.raises(ValueError, match="word pieces"):
        windows(np.array([1, 0]), 12, 2)
