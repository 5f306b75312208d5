"""The small clone in which `make all` has run: what the tests of the whole project look at."""

import pytest
from clone import Clone, copy_project, make_environment


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The small clone after ``make all``."""
    folder = tmp_path_factory.mktemp("clone")
    copy_project(folder)
    make_environment(folder)
    made = Clone(folder)
    made.ran("make all")
    return made
