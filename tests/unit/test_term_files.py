"""Term files, the variants of names, and which meaning of a name is preferred."""

import pytest
import spacy

from clinical_distilled.errors import InputError
from clinical_distilled.terminology.matching import load_matcher, to_entries
from clinical_distilled.terminology.spelling import respell
from clinical_distilled.terminology.terms import Term
from clinical_distilled.terminology.tsv import read_tsv
from clinical_distilled.terminology.variants import variants, without_forms

NLP = spacy.blank("en")


@pytest.fixture
def write(tmp_path):
    def _write(content, name="my_disease.tsv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write


def test_reads_names_synonyms_and_ids(write):
    path = write("name\tsynonyms\tid\nflu\tinfluenza| grippe\tD1\r\ncold\t\tD2\n")
    assert read_tsv(path) == [
        Term("D1", "DISEASE", "flu", ("influenza", "grippe")),
        Term("D2", "DISEASE", "cold", ()),
    ]


def test_without_ids_a_concept_is_its_name(write):
    assert read_tsv(write("name\tsynonyms\nflu\t\n"))[0].concept == "flu"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1: expected the header"),
        ("flu\tinfluenza\n", "line 1: expected the header"),
        ("name\tsynonyms\nflu\n", "line 2: 1 columns"),
        ("name\tsynonyms\nflu\ta\tb\n", "line 2: 3 columns"),
        ("name\tsynonyms\nflu\t\n\tgrippe\n", "line 3: an empty name"),
        ("name\tsynonyms\nflu\ta||b\n", "line 2: an empty name"),
        ("name\tsynonyms\nflu\t--\n", "line 2: an empty name"),
        ("name\tsynonyms\tid\nflu\t\t\n", "line 2: no id"),
        (b"name\tsynonyms\n\xff\t\n", "not UTF-8"),
    ],
)
def test_a_broken_file_is_named_with_its_line(write, content, message):
    path = write(content)
    with pytest.raises(InputError, match=message) as error:
        read_tsv(path)
    assert str(path) in str(error.value)


def test_missing_files_and_unknown_labels_are_refused(write, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_tsv(tmp_path / "core_disease.tsv")
    with pytest.raises(InputError, match="does not say what the terms are"):
        read_tsv(write("name\tsynonyms\n", "terms.tsv"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no term file"):
        load_matcher(tmp_path / "empty")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fracture of femur", {"fractures of femur"}),
        ("beta blocker", {"beta blockers"}),
        ("diagnosis", {"diagnoses"}),
        ("oedema", {"edema", "edemas", "oedemas"}),
        ("Crohn's disease", {"Crohn disease", "Crohns disease"}),
        (
            "type 2 diabetes mellitus",
            {"diabetes mellitus type 2", "diabetes mellitus type II", "diabetes mellitus, type 2"},
        ),
        ("diabetes mellitus, type II", {"type 2 diabetes mellitus", "type II diabetes mellitus"}),
        ("pneumonia, viral", {"viral pneumonia"}),
        ("DVT", {"DVTs"}),
    ],
)
def test_variants_of_a_name(name, expected):
    assert expected <= set(variants(name))


@pytest.mark.parametrize("name", ["DVTs", "COVID-19", "hemiplegia", "nausea and vomiting", "pale"])
def test_a_name_is_not_its_own_variant(name):
    assert name not in variants(name)


@pytest.mark.parametrize(
    ("name", "label"), [("aspirin", "MEDICATION"), ("Tylenol", "MEDICATION"), ("hypertension", "DISEASE")]
)
def test_what_is_not_counted_has_no_plural(name, label):
    assert variants(name, label) == []


@pytest.mark.parametrize(
    "word", ["hemiplegia", "colorectal", "infection", "laboratory", "restriction", "pedal", "hemisphere"]
)
def test_words_alike_in_both_spellings_are_left_alone(word):
    assert respell(word) == set()


def test_a_drug_with_its_form_is_not_a_name_of_its_own():
    names = [
        "albuterol",
        "albuterol neb",
        "IV albuterol",
        "albuterol sulfate",
        "Proventil",
        "Proventil HFA",
        "iron pills",
    ]
    assert without_forms(names) == ["albuterol", "albuterol sulfate", "Proventil", "Proventil HFA", "iron pills"]


def test_a_name_of_two_labels_is_the_symptom_and_a_given_name_goes_before_a_derived_one(write):
    write("name\tsynonyms\nhypotension\t\nulcers\t\nstroke\tCVA\n", "my_disease.tsv")
    path = write("name\tsynonyms\nhypotension\t\nulcer\t\n", "my_symptom.tsv")
    matches = load_matcher(path.parent)(NLP("hypotension, ulcers, CVA"))
    assert [match.labels for match in matches] == [("SYMPTOM", "DISEASE"), ("DISEASE", "SYMPTOM"), ("DISEASE",)]


def test_a_preferred_name_goes_before_a_synonym():
    terms = [Term("a", "DISEASE", "x", ("cold",)), Term("b", "DISEASE", "cold")]
    assert [entry.concept for entry in to_entries([terms]) if entry.surface == "cold"] == ["b", "a"]


def test_an_earlier_source_is_preferred():
    sources = [[Term("a", "DISEASE", "stroke")], [Term("b", "SYMPTOM", "stroke")]]
    assert [entry.concept for entry in to_entries(sources) if entry.surface == "stroke"] == ["a", "b"]
