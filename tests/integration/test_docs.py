"""Every command and snippet of the documentation runs, in the small clone."""

import re
from pathlib import Path

import pytest
from clone import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clone")]

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [body for name, body in FENCE.findall(page.read_text()) if name == language]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_python_snippets_run(workplace, page):
    program = workplace.folder / f"{page.stem}_snippets.py"
    program.write_text("\n\n".join(blocks(page, "python")))
    workplace.ran(f"python {program.name}")


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "bash")], ids=lambda page: page.name)
def test_commands_run(workplace, page):
    for block in blocks(page, "bash"):
        # The test command would start these tests again: it is checked below.
        workplace.ran(re.sub(r"(?m)^make test.*$", "", block))


def test_ci_runs_the_test_command_of_the_readme():
    assert any("\nmake test" in f"\n{block}" for block in blocks(ROOT / "README.md", "bash"))
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()


def test_command_table_is_up_to_date(workplace):
    workplace.ran("cp README.md written.md && python -m spacy project document --output written.md")
    # The small clone's `all` lacks a step and its epochs differ: only the rows of commands are compared.
    rows = [
        [row for row in text.splitlines() if row.startswith("| `") and "&rarr;" not in row]
        for text in ((ROOT / "README.md").read_text(), (workplace.folder / "written.md").read_text())
    ]
    assert rows[0]
    assert rows[0] == rows[1]
