"""Windows: every token decided once, every window within its budget, cuts at sections before lines before sentences."""

from itertools import pairwise

import spacy
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical_distilled.answers.windows import cut, estimate_tokens

NLP = spacy.blank("en")


def words(text):
    return len(text.split())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["word", "end.", "\n", "\n\n", "long" * 9]), max_size=120), st.integers(1, 60))
def test_every_token_is_decided_by_one_window_that_shows_it(pieces, budget):
    doc = NLP(" ".join(pieces))

    windows = cut(doc, budget, words)

    for i in range(len(doc)):
        (owner,) = [window for window in windows if window.decides(i)]
        assert owner.start <= i < owner.end
    assert all(words(window.doc.text) <= max(budget, 1) for window in windows)


def test_a_document_that_fits_is_one_window_and_not_copied():
    doc = NLP("Chest pain since May.")

    (window,) = cut(doc, estimate_tokens(doc.text) + 1)

    assert window.doc is doc


def test_a_window_ends_at_a_section_rather_than_at_a_line_or_sentence():
    doc = NLP("One two three. Four five.\n\nSix seven. Eight\nnine ten eleven twelve thirteen")

    first = cut(doc, 12, words)[0]

    assert doc[: first.end].text.rstrip("\n") == "One two three. Four five."


def test_windows_overlap_so_that_each_mention_is_seen_whole():
    doc = NLP(" ".join(f"w{i}" for i in range(400)))

    windows = cut(doc, 100, words)

    for before, after in pairwise(windows):
        assert after.start + 5 < before.core_end < before.end - 5
