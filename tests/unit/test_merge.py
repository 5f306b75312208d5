"""The teachers' files of a split, merged."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from clinical_distilled.consensus.merge import merge
from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError

NLP = spacy.blank("en")


def taught(teacher, name="a", text="Took aspirin for asthma.", spans=((1, 2, "MEDICATION"),), reference=None):
    doc = NLP.make_doc(text)
    doc.user_data["doc_id"] = name
    doc.user_data["unknown_labels"] = ["SYMPTOM"]
    found = [Span(doc, *span) for span in spans]
    set_group(doc, teacher, found, status=["exact"] * len(found), rationale=["why"] * len(found), lost=[{"text": "x"}])
    if reference is not None:
        set_group(doc, "reference", [], offsets=[])
    return doc


def test_all_teachers_stand_on_one_document_with_what_is_known_of_their_mentions():
    (doc,) = merge({"one": [taught("one")], "two": [taught("two", spans=[(3, 4, "DISEASE")], reference=True)]})
    assert [(span.text, span.label_) for span in doc.spans["one"]] == [("aspirin", "MEDICATION")]
    assert [(span.text, span.label_) for span in doc.spans["two"]] == [("asthma", "DISEASE")]
    assert doc.spans["two"].attrs == {"status": ["exact"], "rationale": ["why"], "lost": [{"text": "x"}]}
    assert doc.user_data == {"doc_id": "a", "unknown_labels": ["SYMPTOM"]}
    assert "reference" in doc.spans
    assert doc.ents == ()


def test_a_note_without_reference_stays_without():
    assert "reference" not in merge({"one": [taught("one")]})[0].spans


def test_documents_are_matched_by_identifier_in_the_first_teachers_order():
    one = [taught("one", "b"), taught("one", "a", "No asthma.", [(1, 2, "DISEASE")])]
    two = [taught("two", "a", "No asthma.", []), taught("two", "b")]
    assert [doc.user_data["doc_id"] for doc in merge({"one": one, "two": two})] == ["b", "a"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({}, "no teacher"),
        ({"one": [taught("one")], "two": []}, r"1 documents of one are not in the file of two: a"),
        ({"one": [], "two": [taught("two")]}, r"1 documents of two are not in the file of one: a"),
        (
            {"one": [taught("one")], "two": [taught("two", text="Took Aspirin for asthma.")]},
            "Document a: .*different texts",
        ),
        ({"one": [taught("one"), taught("one")]}, "Teacher one: document a comes twice"),
        ({"one": [taught("two")]}, "Teacher one: document a has no span group"),
    ],
)
def test_files_that_do_not_fit_are_refused(answers, message):
    with pytest.raises(InputError, match=message):
        merge(answers)


def test_another_tokenizer_is_refused_where_it_matters():
    other = Doc(NLP.vocab, words=["Took", "asp", "irin", "for", "asthma", "."], spaces=[1, 0, 1, 1, 0, 0])
    other.user_data["doc_id"] = "a"
    set_group(other, "two", [other.char_span(5, 8, "MEDICATION")])
    with pytest.raises(InputError, match="Document a: teacher two marks 5-8"):
        merge({"one": [taught("one")], "two": [other]})
