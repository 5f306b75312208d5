import numpy as np
import pytest
import spacy
from tiny_encoder import make_encoder

from clinical_distilled.runtime.inputs import Reader, ReadingSettings
from clinical_distilled.runtime.matcher import TermMatcher
from clinical_distilled.runtime.wordpieces import WordPieces

NLP = spacy.blank("en")
LABELS = ("DISEASE", "MEDICATION")
ENTRIES = [
    ("chest pain", "DISEASE", "1"),
    ("aspirin", "MEDICATION", "2"),
    ("cold", "DISEASE", "3"),
    ("cold", "MEDICATION", "4"),
]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    make_encoder(folder)
    settings = ReadingSettings(window=40, overlap=8, term_labels=LABELS)
    return Reader(WordPieces((folder / "tokenizer.json").read_text()), settings, TermMatcher.from_entries(ENTRIES))


def features(reader, text):
    doc = NLP.make_doc(text)
    (reading,) = reader([doc])
    rows = zip(reading.pieces.tokens.tolist(), reading.features, strict=True)
    return {doc[i].text: {n for n, on in zip(reader.feature_names, row, strict=True) if on} for i, row in rows}


def test_terms_are_marked_by_label_and_place(reader):
    found = features(reader, "no chest pain, aspirin for cold")
    assert found["chest"] == {"B-DISEASE"}
    assert found["pain"] == {"I-DISEASE"}
    assert found["aspirin"] == {"B-MEDICATION"}
    assert found["cold"] == {"B-DISEASE", "B-MEDICATION"}
    assert found["for"] == set()


def test_case_and_line_starts_are_marked(reader):
    found = features(reader, "COPD and mRNA\n\nNo fever 12  ok")
    assert found["COPD"] == {"upper", "line"}
    assert found["mRNA"] == {"mixed"}
    assert found["No"] == {"title", "line"}
    assert found["12"] == found["ok"] == found["fever"] == set()


def test_features_follow_the_pieces_of_their_token(reader):
    doc = NLP.make_doc("he has chest pain")
    (reading,) = reader([doc])
    (window,) = reading.windows
    item = reader.input(reading, window)
    assert len(item.ids) == len(item.features) == reading.pieces.counts.sum() + 2
    assert not item.features[[0, -1]].any()
    np.testing.assert_array_equal(item.features[item.first], reading.features)


def test_parts_bring_a_reader_back(reader):
    copy = Reader.from_bytes(reader.to_bytes())
    assert copy.to_bytes() == reader.to_bytes()
    assert features(copy, "aspirin") == features(reader, "aspirin")


def test_missing_parts_are_named(reader):
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        Reader.from_bytes({"reading.json": b"{}"})


@pytest.mark.parametrize(("window", "overlap"), [(8, 0), (40, 40), (40, -1)])
def test_windows_that_cannot_work_are_refused(window, overlap):
    with pytest.raises(ValueError, match="window"):
        ReadingSettings(window, overlap)
