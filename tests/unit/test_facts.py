"""What a package may claim: read from the steps' files, and only of the pipeline that was scored."""

import shutil

import pytest
from small_project import SCORES, project, write

from clinical_distilled.errors import InputError
from clinical_distilled.files import folder_sha256
from clinical_distilled.packaging.facts import read_facts


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return project(tmp_path_factory.mktemp("template") / "p")


@pytest.fixture
def root(template, tmp_path):
    return shutil.copytree(template, tmp_path / "p")


def facts_of(root):
    return read_facts(root / "packaged", root / "combined", root / "metrics")


def test_facts_are_what_the_steps_wrote(root):
    facts = facts_of(root)
    assert facts.has_reference
    assert facts.scored_on == "test"
    assert facts.scores == SCORES
    assert facts.teachers == ("llm_guided", "ontology")
    assert facts.notes == {"train": 3, "dev": 3, "test": 3}
    assert facts.scored_notes == 3
    assert facts.mentions == {"DISEASE": 1, "MEDICATION": 1, "SYMPTOM": 3}
    assert facts.words == 3 + 6 + 7
    assert facts.combination["SYMPTOM"]["rule"] == "union"
    assert set(facts.sha256) == {"train.spacy", "dev.spacy", "test.spacy"}


def test_without_a_reference_there_is_agreement_only(tmp_path):
    facts = facts_of(project(tmp_path / "p", reference=False))
    assert not facts.has_reference
    assert facts.scored_on == "test_agreement"


def test_scores_of_another_pipeline_are_refused(root):
    (root / "packaged/config.cfg").open("a").write("\n# retrained\n")
    with pytest.raises(InputError, match="not the scores of"):
        facts_of(root)


def test_scores_without_a_pipeline_are_refused(root):
    write(root / "metrics/evaluation.json", {"test": {"student": SCORES}})
    with pytest.raises(InputError, match="Run `evaluate` again"):
        facts_of(root)


def test_scores_of_another_set_are_refused(root):
    about = {"pipeline_sha256": folder_sha256(root / "packaged")}
    write(root / "metrics/evaluation.json", {"dev": {"student": SCORES}, "about": about})
    with pytest.raises(InputError, match="no scores of the student"):
        facts_of(root)


@pytest.mark.parametrize("name", ["metrics/evaluation.json", "metrics/combine.json", "combined/dev.spacy"])
def test_a_missing_file_is_named(root, name):
    (root / name).unlink()
    with pytest.raises(InputError, match=name.rpartition("/")[2]):
        facts_of(root)


@pytest.mark.parametrize("text", ["[]", '{"test": ', '{"choice": {}}'])
def test_a_broken_choice_is_named(root, text):
    (root / "metrics/combine.json").write_text(text)
    with pytest.raises(InputError, match=r"combine\.json"):
        facts_of(root)


def test_a_missing_pipeline_is_named(tmp_path):
    with pytest.raises(InputError, match="no spaCy pipeline here"):
        facts_of(tmp_path)


def test_the_hash_of_a_folder_sees_names_and_contents(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a").write_text("x")
    first = folder_sha256(tmp_path)
    (tmp_path / "sub/a").rename(tmp_path / "sub/b")
    renamed = folder_sha256(tmp_path)
    (tmp_path / "sub/b").write_text("y")
    assert len({first, renamed, folder_sha256(tmp_path)}) == 3
