"""The ontology_fuzzy component: with scispaCy where it is installed, and what it says where it is not."""

from importlib.util import find_spec

import pytest
import spacy
from spacy.tokens import Span

from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.errors import InputError
from clinical_distilled.teachers import fuzzy  # noqa: F401 - registers the component

INSTALLED = find_spec("scispacy") is not None and find_spec("nmslib") is not None


@pytest.fixture
def terms(tmp_path):
    path = tmp_path / "my_disease.tsv"
    path.write_text("name\tsynonyms\tid\ndiabetes mellitus\t\tD1\nrheumatoid arthritis\t\tD2\npsoriasis\t\tD3\n")
    return path


@pytest.mark.skipif(INSTALLED, reason="scispaCy is installed here")
def test_without_scispacy_it_says_what_to_install(terms):
    pipe = spacy.blank("en").add_pipe("ontology_fuzzy")
    with pytest.raises(InputError, match=r"needs scispaCy.*environment of its own"):
        pipe.initialize(terms=terms)


def test_without_terms_it_says_what_to_do():
    nlp = spacy.blank("en")
    nlp.add_pipe("ontology_fuzzy")
    with pytest.raises(ValueError, match="has no terms"):
        nlp("fever")


@pytest.mark.skipif(not INSTALLED, reason="needs scispaCy, which wants numpy<2: an environment of its own")
def test_misspelt_names_are_added_to_what_is_there(terms, tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("ontology_fuzzy").initialize(terms=terms)
    nlp.to_disk(tmp_path / "saved")
    for pipeline in (nlp, spacy.load(tmp_path / "saved")):
        doc = pipeline.make_doc("psoriasis, diabtes mellitus and rheumatiod arthritis")
        set_group(doc, "mentions", [Span(doc, 0, 1, "DISEASE")], status=["exact"], lost=[])
        group = pipeline.get_pipe("ontology_fuzzy")(doc).spans["mentions"]
        assert sorted((span.text, span.kb_id_) for span in group) == [
            ("diabtes mellitus", "D1"), ("psoriasis", ""), ("rheumatiod arthritis", "D2"),
        ]  # fmt: skip
        assert group.attrs["status"] == ["exact", "fuzzy", "fuzzy"]
