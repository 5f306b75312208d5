"""The programs that read notes and gold, run as `spacy project run` runs them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from clinical_distilled.corpora.docs import SPLITS, read_docs
from clinical_distilled.corpora.entities import exact_mentions

ROOT = Path(__file__).parents[2]
NOTES = [
    "Migraine with nausea since Monday, sumatriptan helped within the hour.",
    "Type 2 diabetes on metformin, feet without ulcers, HbA1c pending.",
    "Chest pain at rest, troponin raised, given aspirin and ticagrelor.",
    "Child with croup, barking cough, one dose of dexamethasone.",
]


def run(program, *arguments, cwd):
    command = [sys.executable, str(ROOT / "scripts" / f"{program}.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "my_notes"
    folder.mkdir()
    for number, text in enumerate(NOTES):
        (folder / f"{number}.txt").write_text(text)
    return folder


def test_own_notes_become_three_splits_with_their_counts(notes, tmp_path):
    done = run("corpus", notes, "corpus/notes", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    docs = [doc for split in SPLITS for doc in read_docs(tmp_path / "corpus" / "notes" / f"{split}.spacy")]
    assert sorted(doc.text for doc in docs) == sorted(NOTES)
    assert "4 notes = 4 kept" in done.stdout
    counts = json.loads((tmp_path / "metrics" / "corpus.json").read_text())
    assert sum(split["notes"] for split in counts["splits"].values()) == 4


def test_a_broken_note_ends_the_program_with_one_message_and_leaves_what_was_there(notes, tmp_path):
    assert run("corpus", notes, "corpus/notes", cwd=tmp_path).returncode == 0
    written = [*(tmp_path / "corpus" / "notes").iterdir(), tmp_path / "metrics" / "corpus.json"]
    before = {path: path.read_bytes() for path in written}
    (notes / "1.txt").write_text(" \n")

    done = run("corpus", notes, "corpus/notes", cwd=tmp_path)

    assert done.returncode == 1
    assert "the text is empty" in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
    assert "Migraine" not in done.stdout + done.stderr
    assert {path: path.read_bytes() for path in written} == before
    assert len(list((tmp_path / "corpus" / "notes").iterdir())) == 3


def test_own_gold_becomes_a_docbin(tmp_path):
    (tmp_path / "gold").mkdir()
    (tmp_path / "gold" / "1.txt").write_text(NOTES[0])
    (tmp_path / "gold" / "1.ann").write_text("T1\tDisease 0 8\tMigraine\nT2\tTime 27 33\tMonday\n")
    arguments = ["gold", "gold.spacy", "--format", "brat", "--labels", "Disease=DISEASE"]

    refused = run("gold", *arguments, cwd=tmp_path)
    done = run("gold", *arguments, "--leave-out", "Time", cwd=tmp_path)

    assert refused.returncode == 1
    assert "unknown label Time" in " ".join(refused.stdout.split())
    assert done.returncode == 0, done.stderr
    assert "2 mentions = 1 kept + 1 label left out" in done.stdout
    (doc,) = read_docs(tmp_path / "gold.spacy")
    assert exact_mentions(doc, "reference") == [(0, 8, "DISEASE")]
    assert list(doc.user_data["unknown_labels"]) == ["SYMPTOM", "MEDICATION"]
