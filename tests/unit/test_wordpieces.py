import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from tiny_encoder import make_encoder

from clinical_distilled.runtime.wordpieces import MAX_PIECES, WordPieces

NLP = spacy.blank("en")
ODD = st.sampled_from(
    ["\u200b", "\u0301", "\ufeff", "\r\n", "\t", "\x00", "👩‍⚕️", "e\u0301", "\u00a0", "İ", "ﬁ", "\n\n", "10mg"]
)
TEXTS = st.lists(st.one_of(ODD, st.text(st.characters(exclude_categories=["Cs"]), max_size=8)), max_size=12).map(
    "".join
)


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder")
    make_encoder(folder)
    return (folder / "tokenizer.json").read_text()


@given(st.lists(TEXTS, max_size=4))
def test_every_piece_belongs_to_the_token_it_was_cut_from(tokenizer_json, texts):
    wordpieces = WordPieces(tokenizer_json)
    docs = [NLP.make_doc(text) for text in texts]

    for doc, pieces in zip(docs, wordpieces(docs), strict=True):
        assert pieces.counts.sum() == len(pieces.ids)
        ids = iter(pieces.ids.tolist())
        for token, count in zip(pieces.tokens.tolist(), pieces.counts.tolist(), strict=True):
            alone = wordpieces._tokenizer.encode(doc[token].text, add_special_tokens=False).ids
            assert [next(ids) for _ in range(count)] == alone[:MAX_PIECES]
        unread = set(range(len(doc))) - set(pieces.tokens.tolist())
        assert all(not wordpieces._tokenizer.encode(doc[i].text, add_special_tokens=False).ids for i in unread)


def test_white_space_tokens_have_no_pieces(tokenizer_json):
    doc = NLP.make_doc("fever\n\n\n  cough")
    (pieces,) = WordPieces(tokenizer_json)([doc])
    assert [doc[i].text for i in pieces.tokens] == ["fever", "cough"]


def test_documents_do_not_depend_on_each_other(tokenizer_json):
    wordpieces = WordPieces(tokenizer_json)
    docs = [NLP.make_doc(text) for text in ("chest pain", "", "pain pain fever")]
    together = wordpieces(docs)
    for doc, found in zip(docs, together, strict=True):
        (alone,) = WordPieces(tokenizer_json)([doc])
        assert all(np.array_equal(a, b) for a, b in zip(found, alone, strict=True))


def test_a_very_long_token_is_read_by_its_beginning(tokenizer_json):
    (pieces,) = WordPieces(tokenizer_json)([spacy.tokens.Doc(NLP.vocab, words=["1a" * 45, "cough"])])
    assert pieces.counts[0] <= MAX_PIECES
    assert pieces.tokens.tolist() == [0, 1]


def test_a_broken_tokenizer_is_refused():
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        WordPieces("{}")
