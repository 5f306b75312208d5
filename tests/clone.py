"""A clone of the project with fewer notes and one epoch, made on the spot."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import srsly

ROOT = Path(__file__).resolve().parents[1]
PARTS = (
    *("assets", "benchmarks", "clinical_distilled", "configs", "docs", "scripts"),
    *("project.yml", "Makefile", "pyproject.toml", "requirements.lock", "README.md", "LICENSE"),
)
NOTES = {"train": 60, "dev": 10, "test": 10}


class Clone:
    """A folder in which commands run as a user's do: its own environment first, two threads at most."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {
            "PATH": f"{folder}/.venv/bin:{sys.prefix}/bin:{os.environ['PATH']}",
            "VIRTUAL_ENV": f"{folder}/.venv",
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }

    def run(self, command: str, **settings: object) -> subprocess.CompletedProcess[str]:
        """Run a shell command in the folder."""
        return subprocess.run(
            ["bash", "-euc", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            **settings,
        )

    def ran(self, command: str) -> str:
        """Run a shell command that has to succeed; return what it printed."""
        done = self.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
        return done.stdout + done.stderr


def copy_project(folder: Path) -> None:
    """Copy what a clone has; fewer notes, one epoch, and no smoke step, which needs the network."""
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    job = (folder / "project.yml").read_text()
    job = re.sub(r"(?m)^  epochs: .*$", "  epochs: 1", job)
    job = re.sub(r"(?m)^(  all: .*), smoke\]$", r"\1]", job)
    assert "epochs: 1\n" in job
    assert "all: [corpus" in job
    (folder / "project.yml").write_text(job)
    notes = folder / "assets" / "notes"
    for split, count in NOTES.items():
        rows = list(srsly.read_jsonl(notes / f"{split}.jsonl"))[:count]
        srsly.write_jsonl(notes / f"{split}.jsonl", rows)
        reference = notes / "reference" / f"{split}.jsonl"
        if reference.exists():
            kept = {row["doc_id"] for row in rows}
            srsly.write_jsonl(reference, [row for row in srsly.read_jsonl(reference) if row["doc_id"] in kept])


def make_environment(folder: Path) -> None:
    """Make the ``.venv`` that the Makefile would, out of the packages of the environment that runs the tests."""
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", "--no-download", str(folder / ".venv")], check=True)
    (site,) = (folder / ".venv").glob("lib/python*/site-packages")
    (site / "parent.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    (folder / ".venv" / ".installed").touch()
