"""Alignment: every mention accounted for, whole words, repeats, order; against a brute-force oracle."""

from itertools import pairwise, product

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from clinical_distilled.answers.alignment import Loss, Status, align
from clinical_distilled.answers.mentions import AnswerMention
from clinical_distilled.answers.ordering import longest_run
from clinical_distilled.answers.places import Place

LABELS = ("DISEASE", "SYMPTOM", "MEDICATION")
NLP = spacy.blank("en")


def said(*texts, label="SYMPTOM"):
    return [AnswerMention(text, label) for text in texts]


def outcome(text, mentions):
    """What became of each mention: (start, end, status) of a kept one, the loss of another."""
    doc = NLP(text)
    found = align(doc, mentions, LABELS)
    return [
        one.loss if one.loss else (one.span(doc).start_char, one.span(doc).end_char, one.status.value) for one in found
    ]


def test_finds_a_whole_word_and_never_the_inside_of_one():
    found = outcome("Family history: none. Then an MI.", said("MI", "istor"))

    assert found == [(30, 32, "exact"), Loss.CROSSES_TOKENS]


@pytest.mark.parametrize(
    ("text", "mention", "expected"),
    [
        ("Chest Pain today", "chest pain", "Chest Pain"),
        ("has chest\n  pain today", "chest pain", "chest\n  pain"),
        ("has dactyli-\ntis now", "dactyli- tis", "dactyli-\ntis"),
        ("has dactyli-\ntis now", "dactylitis", "dactyli-\ntis"),
        ("Crohn’s disease", "Crohn's disease", "Crohn’s disease"),
        ("non–ST elevation", "non-ST elevation", "non–ST elevation"),
        ("Sjögren syndrome", "Sjogren syndrome", "Sjögren syndrome"),
        ("ﬁbrillation", "fibrillation", "ﬁbrillation"),
        ("chest\u200b pain", "chest pain", "chest\u200b pain"),
        ("chest\u00a0pain", "chest pain", "chest\u00a0pain"),
        ("takes aspirin daily", '"aspirin"', "aspirin"),
        ("takes aspirin daily", "**aspirin**.", "aspirin"),
        ("takes vitamin D. Well", "vitamin D", "vitamin D."),
        ("-cough\n-fever", "cough", "-cough"),
    ],
)
def test_another_way_of_writing_it_is_normalised(text, mention, expected):
    ((start, end, status),) = outcome(text, said(mention))

    assert (text[start:end], status) == (expected, "normalised")


def test_repeats_are_placed_in_order_and_one_too_many_is_a_duplicate():
    found = outcome("pain, then more pain", said("pain", "pain", "pain"))

    assert found == [(0, 4, "exact"), (16, 20, "exact"), Loss.DUPLICATE]


def test_neighbours_say_which_occurrence_is_meant():
    text = "No fever. Cough. Later fever and rash."

    found = outcome(text, said("Cough", "fever", "rash"))

    assert found[1] == (23, 28, "exact")


def test_an_answer_sorted_by_label_is_several_runs():
    text = "iron: nausea. aspirin. rash, later nausea and vomiting"
    mentions = [*said("rash", "nausea", "vomiting"), *said("iron", "aspirin", label="MEDICATION")]

    found = outcome(text, mentions)

    assert found == [(23, 27, "exact"), (35, 41, "exact"), (46, 54, "exact"), (0, 4, "exact"), (14, 21, "exact")]


def test_a_place_of_its_own_is_preferred_to_one_inside_another_mention():
    found = outcome("chest pain. Rates pain 5/10", said("pain", "chest pain"))

    assert found == [(18, 22, "exact"), (0, 10, "exact")]


def test_a_mention_inside_another_is_kept_where_there_is_no_other_place():
    found = outcome("CKD stage 3", said("CKD stage 3", "CKD", label="DISEASE"))

    assert found == [(0, 11, "exact"), (0, 3, "exact")]


def test_one_stretch_may_have_two_labels_but_each_once():
    mentions = [AnswerMention("hypotension", label) for label in ("DISEASE", "SYMPTOM", "DISEASE")]

    found = outcome("hypotension", mentions)

    assert found == [(0, 11, "exact"), (0, 11, "exact"), Loss.DUPLICATE]


def test_offsets_that_fit_are_believed_and_others_decide_between_places():
    text = "pain pain pain"

    right = outcome(text, [AnswerMention("pain", "SYMPTOM", start=10, end=14)])
    near = outcome(text, [AnswerMention("pain", "SYMPTOM", start=6, end=9)])

    assert (right, near) == ([(10, 14, "exact")], [(5, 9, "exact")])


def test_labels_are_matched_without_case_and_unknown_ones_are_lost():
    found = outcome("pain and rash", [AnswerMention("pain", "Symptom"), AnswerMention("rash", "SKIN")])

    assert found == [(0, 4, "exact"), Loss.LABEL_UNKNOWN]


def test_a_single_letter_must_be_written_as_in_the_text():
    found = outcome("green d/c, vit D. 5 units", said("D", label="MEDICATION"))

    assert found == [(15, 17, "normalised")]


@pytest.mark.parametrize("mention", ["", "   ", "\u200b", "stroke", '""'])
def test_what_is_not_in_the_text_is_lost(mention):
    assert outcome("pain", said(mention)) == [Loss.NOT_IN_TEXT]


def test_an_empty_document_loses_everything():
    assert outcome("", said("pain")) == [Loss.NOT_IN_TEXT]


def test_thousands_of_repeats_take_no_time():
    text = "pain " * 2000

    found = outcome(text, said(*["pain"] * 30_000))

    assert found.count(Loss.DUPLICATE) == 28_000


WORDS = ("pain", "Pain", "rash", "fever", "chest pain", "painful")


@given(st.lists(st.sampled_from(WORDS), max_size=12), st.lists(st.sampled_from(WORDS), max_size=8))
def test_every_mention_is_accounted_for_and_none_lost_that_has_a_free_place(words, mentions):
    doc = NLP(", ".join(words))

    found = align(doc, said(*mentions), LABELS)

    spans = [one.span(doc) for one in found if one.loss is None]
    assert [one.mention.text for one in found] == mentions
    assert len({(span.start, span.end) for span in spans}) == len(spans)
    for one in found:
        surface = one.mention.text.casefold()
        if one.loss is None:
            assert one.span(doc).text.casefold() == surface
            assert (one.status is Status.EXACT) == (one.span(doc).text == one.mention.text)
        else:
            # Oracle: every stretch of tokens with this text is taken.
            stretches = {
                (i, j)
                for i in range(len(doc))
                for j in range(i + 1, len(doc) + 1)
                if doc[i:j].text.casefold() == surface
            }
            assert stretches <= {(span.start, span.end) for span in spans}
            inside = surface in doc.text.casefold()
            expected = Loss.DUPLICATE if stretches else Loss.CROSSES_TOKENS if inside else Loss.NOT_IN_TEXT
            assert one.loss is expected


def brute_force(candidates, merit):
    """The best (length, merit...) of all choices of places in order; the oracle for `longest_run`."""
    best = (0, 0)
    for choice in product(*[[None, *places] for places in candidates]):
        run = [(i, place) for i, place in enumerate(choice) if place is not None]
        if all(a.end <= b.start for (_, a), (_, b) in pairwise(run)):
            best = max(best, (len(run), sum(merit(i, place)[0] for i, place in run)))
    return best


@st.composite
def places(draw):
    start = draw(st.integers(0, 8))
    return Place(start, start + draw(st.integers(1, 3)), start, "x" * draw(st.integers(0, 1)))


@given(st.lists(st.lists(places(), max_size=3), max_size=5))
def test_the_longest_run_is_as_good_as_the_best_of_all_choices(candidates):
    def merit(i, place):
        return (len(place.text) - abs(place.start - i),)

    run = longest_run(candidates, merit)

    in_order = [run[i] for i in sorted(run)]
    assert all(a.end <= b.start for a, b in pairwise(in_order))
    assert all(place in candidates[i] for i, place in run.items())
    assert (len(run), sum(merit(i, place)[0] for i, place in run.items())) == brute_force(candidates, merit)


@given(st.lists(st.sampled_from(WORDS), max_size=15))
def test_mentions_that_name_every_occurrence_in_order_are_all_found_where_they_are(words):
    doc = NLP("; ".join(words))
    offsets = [sum(len(word) + 2 for word in words[:i]) for i in range(len(words))]

    found = align(doc, said(*words), LABELS)

    assert [one.span(doc).start_char for one in found] == offsets
