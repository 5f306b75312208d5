"""Which teachers there are, in which order, which labels each can give, and their files."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import spacy
from spacy.tokens import Doc

from clinical_distilled.consensus.merge import merge
from clinical_distilled.corpora.docs import SPLITS, read_docs
from clinical_distilled.errors import InputError


def teacher_names(folder: Path, accounts: Path) -> list[str]:
    """Return the teachers that have a folder under `folder`, in the order of ``metrics/teach.json``.

    Raises
    ------
    InputError
        If there is none.
    """
    there = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not there:
        raise InputError(f"{folder}: no teacher's folder here. Run the teach step first.")
    order = list(_teach_accounts(accounts))
    return sorted(there, key=lambda name: (order.index(name) if name in order else len(order), name))


def declared_labels(
    splits: Mapping[str, Sequence[Doc]], teachers: Sequence[str], accounts: Path
) -> dict[str, list[str]]:
    """Return the labels each teacher can give: those it declares in ``metrics/teach.json``, else those it gave."""
    known = _teach_accounts(accounts)
    return {teacher: sorted(known.get(teacher, {}).get("labels") or _given(splits, teacher)) for teacher in teachers}


def read_splits(folder: Path, teachers: Sequence[str]) -> dict[str, list[Doc]]:
    """Read and merge the files ``<folder>/<teacher>/{train,dev,test}.spacy``.

    Raises
    ------
    InputError
        If a file is missing or the teachers' documents differ.
    """
    vocab = spacy.blank("en").vocab
    return {
        split: merge({teacher: read_docs(folder / teacher / f"{split}.spacy", vocab) for teacher in teachers})
        for split in SPLITS
    }


def _given(splits: Mapping[str, Sequence[Doc]], teacher: str) -> set[str]:
    return {span.label_ for docs in splits.values() for doc in docs for span in doc.spans[teacher]}


def _teach_accounts(path: Path) -> dict[str, dict]:
    """Return teacher -> what the teach step wrote of it; empty where it wrote nothing."""
    if not path.exists():
        return {}
    teachers = json.loads(path.read_text(encoding="utf-8")).get("teachers", {})
    return teachers if isinstance(teachers, dict) else {name: {} for name in teachers}
