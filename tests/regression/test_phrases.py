from pathlib import Path

import pytest
import spacy
from marks import read_marked, unmark

from clinical_distilled.corpora.mentions import mentions_of
from clinical_distilled.teachers.loading import load_teacher

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def ontology():
    return load_teacher("ontology", ROOT / "configs" / "teachers", terms=ROOT / "assets" / "terms").nlp


@pytest.fixture(scope="module")
def package():
    if not spacy.util.is_package("en_clinical_distilled"):
        pytest.skip("en_clinical_distilled is not installed: run `make all` first")
    return spacy.load("en_clinical_distilled")


def test_marks_are_read():
    text, mentions = unmark("Denies [chest pain](SYMPTOM).")
    assert text == "Denies chest pain."
    assert mentions == [(7, 17, "SYMPTOM")]


@pytest.mark.parametrize(("text", "mentions"), read_marked(HERE / "ontology.txt"))
def test_terminology_teacher(ontology, text, mentions):
    doc = ontology(text)
    assert mentions_of(doc.spans["mentions"]) == mentions


@pytest.mark.parametrize(("text", "mentions"), read_marked(HERE / "package.txt"))
def test_installed_package(package, text, mentions):
    assert mentions_of(package(text).ents) == mentions
