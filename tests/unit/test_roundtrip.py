"""Round trip: render, parse and align give back exactly the mentions, for every format."""

import json
from pathlib import Path

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinical_distilled.answers.alignment import align
from clinical_distilled.answers.folding import fold
from clinical_distilled.answers.formats import FORMATS
from clinical_distilled.answers.mentions import AnswerMention
from clinical_distilled.answers.places import find_places

LABELS = ("DISEASE", "SYMPTOM", "MEDICATION")
REFERENCE = Path(__file__).parents[2] / "assets/notes"
POSITIONAL = ("json_offsets", "xml", "brackets", "at_hash", "bio")  # these say where, the others only what
REWRITING = ("xml", "brackets", "at_hash", "bio")
NLP = spacy.blank("en")

# Ordinary words, words in other scripts and forms, and everything that a format uses for itself.
WORDS = (
    "pain", "Pain", "chest", "MI", "5-FU", "d/c", "Sjögren", "Sjo\u0308gren", "naïve", "Straße", "İstanbul", "ﬁbrosis",
    "µg", "½", "中文", "🫀", "العربية", "na\u00adusea", "\u200bzero\u200b", "\ufeffbom", "’tis", "—", "“quoted”", "vit",
    "D.", "<DISEASE>", "</SYMPTOM>", "<b>", "&lt;", "&amp;", "<", "[x](DISEASE)", "[", "](", "]", "(", ")", "\\[", "@@",
    "##", "#", "@", "===", "=== SYMPTOM", "|", "\\|", "\\", "True", "NONE", "none", "null", "- text:", "label:", "- ",
    "{", "}", '"', "'", '\\"', ",", ":", ";", "\\n", "```", "~~~", "</think>", "<think>", "1.", "2)", "B-DISEASE", "O",
    "DISEASE:", "Symptoms:", "~", "yes", "1e5", "%", "&", "*bold*", "_", "`code`", "x" * 60, "\x00", "\x1f", "\x85",
)  # fmt: skip
SPACES = (" ", " ", " ", "  ", "\n", "\n\n", "-\n", ", ", "\t", "\r\n", "\u00a0", "\u2028")


@st.composite
def notes(draw):
    """Draw a document and some stretches of it that do not overlap and can be seen, as (start, end, label)."""
    words = draw(st.lists(st.sampled_from(WORDS) | st.text(min_size=1, max_size=6), max_size=10))
    text = "".join(word + draw(st.sampled_from(SPACES)) for word in words)
    doc = NLP(text)
    mentions = []
    reached = 0
    while reached < len(doc) and len(mentions) < 6:
        start = reached + draw(st.integers(0, 3))
        end = start + draw(st.integers(1, 3))
        reached = end
        if end <= len(doc) and visible(doc[start].text) and visible(doc[end - 1].text):
            label = LABELS[sum(map(ord, fold(doc[start:end].text))) % 3]  # one name has one label
            mentions.append((start, end, label))
    return doc, mentions


def visible(token):
    """Say whether a token can begin or end a mention: there is a letter or a digit in it."""
    return any(character.isalnum() for character in fold(token))


def complete(doc, mentions):
    """Keep the names all of whose places are mentioned: nothing but order tells which place is meant."""
    kept = set(mentions)
    while True:
        found = find_places(doc, [doc[start:end].text for start, end, _ in kept])
        places = {
            mention: {(place.start, place.end) for place in one.places}
            for mention, one in zip(kept, found, strict=True)
        }
        named = {(start, end) for start, end, _ in kept}
        keep = {mention for mention in kept if mention[:2] in places[mention] and places[mention] <= named}
        if keep == kept:
            return sorted(kept)
        kept = keep


def there_and_back(format_, doc, mentions):
    said = [
        AnswerMention(doc[start:end].text, label, "why", doc[start].idx, doc[start].idx + len(doc[start:end].text))
        for start, end, label in mentions
    ]
    answer = format_.render(said, doc.text)
    parsed = format_.parse(answer, doc.text, LABELS)
    aligned = align(doc, parsed.mentions, LABELS)
    spans = [(one.place.start, one.place.end, one.label) if one.place else (0, 0, one.loss.value) for one in aligned]
    return sorted(spans), parsed.problem


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in POSITIONAL])
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(note=notes())
def test_any_note_whose_names_are_all_mentioned(name, note):
    doc, mentions = note
    mentions = complete(doc, mentions)

    assert there_and_back(FORMATS[name], doc, mentions) == (mentions, None)


@pytest.mark.parametrize("name", POSITIONAL)
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(note=notes())
def test_any_note_in_a_format_that_says_where(name, note):
    doc, mentions = note

    assert there_and_back(FORMATS[name], doc, mentions) == (mentions, None)


def reference_notes():
    for split in ("dev", "test"):
        texts = {}
        for line in (REFERENCE / f"{split}.jsonl").open(encoding="utf-8"):
            row = json.loads(line)
            texts[row["doc_id"]] = row["text"]
        for line in (REFERENCE / f"reference/{split}.jsonl").open(encoding="utf-8"):
            row = json.loads(line)
            doc = NLP(texts[row["doc_id"]])
            spans = [doc.char_span(e["start"], e["end"], e["label"], alignment_mode="expand") for e in row["entities"]]
            yield doc, spans


@pytest.mark.parametrize("name", FORMATS)
def test_every_reference_note_of_the_project(name):
    seen = 0
    for doc, spans in reference_notes():
        # Two mentions in one token ("3HP/4R") cannot both be marked in a text.
        distinct = spacy.util.filter_spans(spans) if name in REWRITING else spans
        mentions = sorted({(span.start, span.end, span.label_) for span in distinct})

        assert there_and_back(FORMATS[name], doc, mentions) == (mentions, None)
        seen += len(mentions)

    assert seen > 3000
