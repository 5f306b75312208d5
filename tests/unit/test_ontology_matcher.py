"""The ontology_matcher component in a pipeline."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from clinical_distilled.corpora.docs import read_docs, write_docs
from clinical_distilled.teachers import ontology  # noqa: F401 - registers the component


@pytest.fixture
def terms(tmp_path):
    folder = tmp_path / "terms"
    folder.mkdir()
    (folder / "my_disease.tsv").write_text("name\tsynonyms\tid\nhypotension\t\tD1\nPAD\t\tD2\n")
    (folder / "my_symptom.tsv").write_text("name\tsynonyms\tid\nhypotension\tlow blood pressure\tS1\n")
    return folder


@pytest.fixture
def nlp(terms):
    nlp = spacy.blank("en")
    nlp.add_pipe("ontology_matcher").initialize(terms=terms)
    return nlp


def described(spans):
    return [(span.text, span.label_, span.kb_id_) for span in spans]


def test_marks_names_with_concept_status_and_alternatives(nlp):
    doc = nlp("Hypotension and PAD.")
    group = doc.spans["mentions"]
    assert described(group) == [("Hypotension", "SYMPTOM", "S1"), ("PAD", "DISEASE", "D2")]
    assert group.attrs == {"status": ["exact", "exact"], "alternatives": [[["DISEASE", "D1"]], []], "lost": []}
    assert described(doc.ents) == described(group)


def test_entities_that_are_there_stay(nlp):
    doc = nlp.make_doc("severe hypotension and PAD")
    doc.ents = [Span(doc, 0, 2, "OTHER")]
    doc = nlp.get_pipe("ontology_matcher")(doc)
    assert [(entity.text, entity.label_) for entity in doc.ents] == [
        ("severe hypotension", "OTHER"),
        ("PAD", "DISEASE"),
    ]
    assert len(doc.spans["mentions"]) == 2


def test_a_saved_pipeline_needs_no_term_file(nlp, terms, tmp_path):
    nlp.to_disk(tmp_path / "saved")
    for file in terms.iterdir():
        file.unlink()
    text = "low blood pressure"
    from_bytes = spacy.blank("en")
    from_bytes.add_pipe("ontology_matcher")
    for again in (spacy.load(tmp_path / "saved"), from_bytes.from_bytes(nlp.to_bytes())):
        assert described(again(text).ents) == [("low blood pressure", "SYMPTOM", "S1")]


def test_concepts_and_alternatives_survive_a_docbin(nlp, tmp_path):
    doc = nlp("hypotension")
    doc.user_data["doc_id"] = "n1"
    write_docs([doc], tmp_path / "x.spacy")
    (again,) = read_docs(tmp_path / "x.spacy")
    assert described(again.spans["mentions"]) == [("hypotension", "SYMPTOM", "S1")]
    assert again.spans["mentions"].attrs["alternatives"] == [[["DISEASE", "D1"]]]


def test_without_terms_it_says_what_to_do():
    nlp = spacy.blank("en")
    nlp.add_pipe("ontology_matcher")
    with pytest.raises(ValueError, match="has no terms"):
        nlp("fever")


def test_only_the_labels_asked_for_are_marked(terms):
    nlp = spacy.blank("en")
    nlp.add_pipe("ontology_matcher", config={"labels": ["DISEASE"]}).initialize(terms=terms)
    assert described(nlp("hypotension, low blood pressure").ents) == [("hypotension", "DISEASE", "D1")]


def test_an_abbreviation_defined_in_the_note_is_its_long_form(nlp):
    if not Doc.has_extension("abbreviations"):
        Doc.set_extension("abbreviations", default=[])
    doc = nlp.make_doc("Low blood pressure (PAD). PAD again.")
    doc._.abbreviations = [
        {"short_start": start, "short_end": start + 1, "long_start": 0, "long_end": 3} for start in (4, 7)
    ]
    doc = nlp.get_pipe("ontology_matcher")(doc)
    assert described(doc.spans["mentions"]) == [
        ("Low blood pressure", "SYMPTOM", "S1"), ("PAD", "SYMPTOM", "S1"), ("PAD", "SYMPTOM", "S1"),
    ]  # fmt: skip
