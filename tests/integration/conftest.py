"""The small clone in which `make all` has run: what the tests of the whole project look at."""

import json
import shutil

import pytest
from clone import Clone, copy_project, make_environment


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The small clone after ``make all``; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("clone")
    copy_project(folder)
    make_environment(folder)
    made = Clone(folder)
    made.ran("make all")
    return made


@pytest.fixture(scope="session")
def workplace(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A copy of the small clone to work in, with notes of the user's own in ``my_notes/``."""
    folder = tmp_path_factory.mktemp("workplace") / "project"
    shutil.copytree(clone.folder, folder, ignore=shutil.ignore_patterns(".venv"))
    make_environment(folder)
    own = folder / "my_notes"
    own.mkdir()
    for number, row in enumerate((folder / "assets" / "notes" / "train.jsonl").read_text().splitlines()):
        (own / f"{number}.txt").write_text(f"Visit {number}. " + json.loads(row)["text"])
    made = Clone(folder)
    made.ran("pip install --no-deps packages/*.whl")
    return made
