"""The term matcher: what it finds, what it must not find, and its bytes."""

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc

from clinical_distilled.runtime.matcher import Entry, TermMatcher, is_acronym

NLP = spacy.blank("en")
ENTRIES = [
    Entry("fever", "SYMPTOM", "fever"),
    Entry("low-grade fever", "SYMPTOM", "low-grade fever"),
    Entry("PAD", "DISEASE", "peripheral artery disease"),
    Entry("COVID-19", "DISEASE", "COVID-19"),
    Entry("heart failure", "DISEASE", "heart failure"),
    Entry("Crohn's disease", "DISEASE", "Crohn's disease"),
    Entry("hypotension", "DISEASE", "hypotension"),
    Entry("hypotension", "SYMPTOM", "low blood pressure"),
    Entry("heart failure with reduced ejection fraction", "DISEASE", "HFrEF"),
]
MATCHER = TermMatcher.from_entries(ENTRIES)


def found(text: str, matcher: TermMatcher = MATCHER) -> list[str]:
    doc = NLP(text)
    return [doc[match.start : match.end].text for match in matcher(doc)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fever and FEVER.", ["Fever", "FEVER"]),
        ("low grade fever, Low\u2010Grade fever", ["low grade fever", "Low\u2010Grade fever"]),
        ("feverish, afebrile", []),
        ("Has PAD, took off the pad.", ["PAD"]),
        ("COVID-19, COVID 19 and COVID19", ["COVID-19", "COVID 19", "COVID19"]),
        ("heart\nfailure", ["heart\nfailure"]),
        ("heart\n\nfailure", []),
        ("heart - failure", []),
        ("heart, failure", []),
        ("Crohn\u2019s disease", ["Crohn\u2019s disease"]),
        ("heart failure with reduced ejection", ["heart failure"]),
        ("heart failure with reduced ejection fraction", ["heart failure with reduced ejection fraction"]),
        ("PAD/fever (fever)", ["PAD", "fever", "fever"]),
        ("", []),
        (" \n ", []),
    ],
)  # fmt: skip
def test_finds_whole_names(text, expected):
    assert found(text) == expected


def test_a_name_keeps_all_its_meanings_in_the_order_given():
    (match,) = MATCHER(NLP("hypotension"))
    assert match.labels == ("DISEASE", "SYMPTOM")
    assert match.concepts == ("hypotension", "low blood pressure")


def test_the_same_meaning_twice_is_one():
    matcher = TermMatcher.from_entries([Entry("flu", "DISEASE", "influenza"), Entry("Flu", "DISEASE", "influenza")])
    assert matcher(NLP("flu"))[0].labels == ("DISEASE",)
    assert len(matcher) == 1


def test_a_name_that_begins_inside_a_token_is_not_found():
    doc = Doc(NLP.vocab, words=["x-fever", "fever-x", "fever"], spaces=[True, True, False])
    assert [(match.start, match.end) for match in MATCHER(doc)] == [(2, 3)]


def test_a_name_split_otherwise_by_the_tokenizer_is_found():
    doc = Doc(NLP.vocab, words=["CO", "VID", "-", "19"], spaces=[False] * 4)
    assert MATCHER(doc) == []  # "COVID" is one run of letters: not "CO" and "VID"
    doc = Doc(NLP.vocab, words=["COVID", "-", "19"], spaces=[False] * 3)
    assert [(match.start, match.end) for match in MATCHER(doc)] == [(0, 3)]


@pytest.mark.parametrize(
    ("surface", "acronym"),
    [("PAD", True), ("DTs", True), ("HIV/AIDS", True), ("Fever", False), ("HFrEF", False), ("D50", False)],
)
def test_acronyms(surface, acronym):
    assert is_acronym(surface) is acronym


def test_bytes_round_trip_and_are_stable():
    data = MATCHER.to_bytes()
    again = TermMatcher.from_bytes(data)
    doc = NLP("PAD with hypotension and low-grade fever")
    assert again(doc) == MATCHER(doc)
    assert again.to_bytes() == data == TermMatcher.from_entries(ENTRIES).to_bytes()


@pytest.mark.parametrize("data", [b"", b"something else", MATCHER.to_bytes()[:-1], MATCHER.to_bytes() + b"x"])
def test_foreign_or_short_bytes_are_refused(data):
    with pytest.raises(ValueError, match="build it anew"):
        TermMatcher.from_bytes(data)


def test_no_names_at_all():
    matcher = TermMatcher.from_bytes(TermMatcher.from_entries([]).to_bytes())
    assert matcher(NLP("fever")) == []
    assert len(matcher) == 0


def test_a_name_of_nothing_is_refused():
    with pytest.raises(ValueError, match="name"):
        TermMatcher.from_entries([Entry(" ", "DISEASE", "x")])


WORDS = st.sampled_from(["a", "b", "c", "A", "AB", "ab", "\n", "1"])
NAMES = st.lists(st.lists(WORDS.filter(str.strip), min_size=1, max_size=4).map(" ".join), max_size=8)


@settings(max_examples=300, deadline=None)
@given(names=NAMES, words=st.lists(WORDS, max_size=12))
def test_equals_a_brute_force_search(names, words):
    doc = Doc(NLP.vocab, words=words)
    matcher = TermMatcher.from_entries([Entry(name, "DISEASE", name) for name in names])
    assert [(match.start, match.end) for match in matcher(doc)] == brute_force(names, words)


def brute_force(names: list[str], words: list[str]) -> list[tuple[int, int]]:
    places, start = [], 0
    while start < len(words):
        ends = [end for end in range(start + 1, len(words) + 1) if any(same(name, words[start:end]) for name in names)]
        if ends:
            places.append((start, max(ends)))
        start = max(ends, default=start + 1)
    return places


def same(name: str, words: list[str]) -> bool:
    if not words[0].strip() or not words[-1].strip():
        return False
    text = " ".join(word for word in words if word.strip())
    return text == name if is_acronym(name) else text.casefold() == name.casefold()


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("Hypotension", ("hypotension", "low blood pressure")),
        ("heart\nfailure", ("heart failure",)),
        ("PAD", ("peripheral artery disease",)),
        ("pad", ()),
        ("heart", ()),
        ("", ()),
    ],
)
def test_lookup_of_a_whole_text(text, concepts):
    assert MATCHER.lookup(text)[1] == concepts


def test_names_can_be_left_out():
    matcher = MATCHER.without(["Fever", "heart failure", "PAD", "unknown"])
    assert found("fever, PAD, low-grade fever, heart failure, hypotension", matcher) == [
        "low-grade fever",
        "hypotension",
    ]
    assert len(matcher) == len(MATCHER) - 3
    assert found("fever") == ["fever"]


def test_meta_travels():
    matcher = TermMatcher.from_entries(ENTRIES, {"sources": ["x"]})
    assert TermMatcher.from_bytes(matcher.to_bytes()).meta == {"sources": ["x"]}
