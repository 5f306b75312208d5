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
def test_python_snippets_run(clone, page):
    program = clone.folder / f"{page.stem}_snippets.py"
    program.write_text("\n\n".join(blocks(page, "python")))
    clone.ran(f"python {program.name}")


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "bash")], ids=lambda page: page.name)
def test_commands_run(clone, page):
    for block in blocks(page, "bash"):
        # The test command would start these tests again: it is checked below.
        clone.ran(re.sub(r"(?m)^make test.*$", "", block))


def test_ci_runs_the_test_command_of_the_readme():
    assert any("\nmake test" in f"\n{block}" for block in blocks(ROOT / "README.md", "bash"))
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text()


def test_command_table_is_up_to_date(clone):
    before = (ROOT / "README.md").read_text()
    clone.ran("cp README.md written.md && python -m spacy project document --output written.md")
    table = re.compile(r"<!-- WEASEL: AUTO-GENERATED DOCS START.*?AUTO-GENERATED DOCS END[^>]*-->", re.DOTALL)
    commands = [row for row in before.splitlines() if row.startswith("| `")]
    written = table.search((clone.folder / "written.md").read_text())
    assert written
    assert [row for row in written.group().splitlines() if row.startswith("| `") and "→" not in row] == [
        row for row in table.search(before).group().splitlines() if row.startswith("| `") and "→" not in row
    ]
    assert commands
