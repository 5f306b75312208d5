"""The index of build-terms: what it holds, what it leaves out, and the linker that carries it."""

import json

import pytest
import spacy
from spacy.tokens import Doc, Span

from clinical_distilled.errors import InputError
from clinical_distilled.runtime import linker  # noqa: F401 - registers the component
from clinical_distilled.terminology.index import Source, build_index, leave_out_misleading
from clinical_distilled.terminology.matching import load_matcher
from clinical_distilled.terminology.stoplist import StopRule

NLP = spacy.blank("en")


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "my_disease.tsv").write_text(
        "name\tsynonyms\tid\ntype 2 diabetes mellitus\tT2DM|it\tD1\nfall\tx|7\tD2\nheart failure\t\tD3\n"
    )
    (tmp_path / "my_symptom.tsv").write_text("name\tsynonyms\tid\nfall\t\tS1\n")
    return [Source(tmp_path / "my_disease.tsv"), Source(tmp_path / "my_symptom.tsv")]


@pytest.fixture
def index(sources):
    return build_index(sources)


@pytest.fixture
def saved(index, tmp_path):
    index.save(tmp_path / "my.terms")
    return tmp_path / "my.terms"


def test_an_index_says_what_it_is_made_of_and_loads_as_it_was(index, saved, sources):
    matcher = load_matcher(saved)
    assert [source["name"] for source in matcher.meta["sources"]] == ["my_disease.tsv", "my_symptom.tsv"]
    assert [source["terms"] for source in matcher.meta["sources"]] == [3, 1]
    assert matcher.lookup("diabetes mellitus, type 2") == (("DISEASE",), ("D1",))
    assert matcher.lookup("fall") == (("DISEASE", "SYMPTOM"), ("D2", "S1"))
    assert build_index(sources).matcher.to_bytes() == saved.read_bytes()


def test_names_that_cannot_be_used_are_counted(index):
    report = index.to_json()
    dropped = {"function word": 1, "single character or no letter": 2}
    assert report["names"] == {"taken": 8, "kept": 5, "dropped": dropped}
    json.dumps(report)


def annotated(text, *mentions):
    doc = NLP(text)
    doc.spans["reference"] = [Span(doc, start, end, label) for start, end, label in mentions]
    return doc


def test_names_that_mislead_in_a_corpus_are_left_out(index):
    docs = [annotated(f"{fall} of 2024, severe heart failure", (4, 7, "DISEASE")) for fall in ("fall", "Fall", "FALL")]
    index = leave_out_misleading(index, docs, StopRule(min_found=3, max_precision=0.2))
    assert index.to_json()["misleading"] == [{"surface": "fall", "found": 3, "right": 0}]
    assert index.matcher.meta["left_out"] == ["fall"]
    assert [match.concepts for match in index.matcher(NLP("Fall, heart failure"))] == [("D3",)]


def test_a_name_seen_too_rarely_is_kept(index):
    docs = [annotated("fall of 2024")] * 2
    assert leave_out_misleading(index, docs, StopRule(min_found=3)).misleading == []


def test_a_corpus_without_annotation_is_refused(index):
    with pytest.raises(InputError, match="span group 'reference'"):
        leave_out_misleading(index, [NLP("fall")])


def test_missing_and_empty_sources_and_old_indexes_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        build_index([Source(tmp_path / "nothing")])
    (tmp_path / "x_disease.tsv").write_text("name\tsynonyms\n")
    with pytest.raises(InputError, match="No terms"):
        build_index([Source(tmp_path / "x_disease.tsv")])
    (tmp_path / "old.terms").write_bytes(b"clinical-distilled terms 0\n")
    with pytest.raises(InputError, match="build it anew"):
        load_matcher(tmp_path / "old.terms")


def test_a_source_may_say_what_it_holds():
    assert Source.parse("a/b.obo=DISEASE") == Source(Source.parse("a/b.obo").path, "DISEASE")


@pytest.fixture
def linked(saved):
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(
        [{"label": "DISEASE", "pattern": text} for text in ("diabetes mellitus type II", "fall", "unknown", "HF")]
        + [{"label": "DISEASE", "pattern": "heart failure", "id": "kept"}]
    )
    nlp.add_pipe("terminology_linker").initialize(terms=saved)
    return nlp


def test_entities_get_the_concept_of_their_label(linked):
    doc = linked("diabetes mellitus type II, fall, unknown, heart failure")
    assert [entity.kb_id_ for entity in doc.ents] == ["D1", "D2", "", "D3"]
    assert doc.ents[3].id_ == "kept"


def test_an_identifier_that_is_there_stays(linked):
    doc = linked.make_doc("fall")
    doc.ents = [Span(doc, 0, 1, "DISEASE", kb_id="MINE")]
    assert linked.get_pipe("terminology_linker")(doc).ents[0].kb_id_ == "MINE"


def test_a_defined_abbreviation_is_looked_up_by_its_long_form(linked):
    if not Doc.has_extension("abbreviations"):
        Doc.set_extension("abbreviations", default=[])
    doc = linked.make_doc("heart failure (HF)")
    doc._.abbreviations = [{"short_start": 3, "short_end": 4, "long_start": 0, "long_end": 2}]
    for name in ("entity_ruler", "terminology_linker"):
        doc = linked.get_pipe(name)(doc)
    assert [entity.kb_id_ for entity in doc.ents] == ["D3", "D3"]


def test_a_saved_linker_needs_no_index(linked, saved, tmp_path):
    linked.to_disk(tmp_path / "pipeline")
    saved.unlink()
    again = spacy.load(tmp_path / "pipeline")
    assert again("fall").ents[0].kb_id_ == "D2"
    assert again.get_pipe("terminology_linker").to_bytes() == linked.get_pipe("terminology_linker").to_bytes()


def test_a_linker_says_what_it_lacks(tmp_path):
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("terminology_linker")
    with pytest.raises(ValueError, match="has no terms"):
        nlp("fall")
    with pytest.raises(ValueError, match="no term index"):
        pipe.initialize(terms=tmp_path / "nothing")
