"""Splits: which notes are train, dev and test, as they were given or by a hash; no note stands near one of another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clinical_distilled.corpora.accounting import Account
from clinical_distilled.corpora.docs import SPLITS
from clinical_distilled.corpora.leaks import groups, near_duplicates
from clinical_distilled.corpora.notes import READABLE, Note, derived_id, kind_of, read_notes
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256

REFERENCE_FOLDER = "reference"
_TEST_FROM, _DEV_FROM = 0.9, 0.8  # 80 % train, 10 % dev, 10 % test
_SHOWN = 5  # ids or pairs named in a message


@dataclass(frozen=True)
class Splits:
    """Notes by split.

    Attributes
    ----------
    notes : dict of str to list of Note
        The notes of ``train``, ``dev`` and ``test``.
    accounts : dict of str to Account
        How many notes were kept, per split, or under ``all`` where one set was divided. A text given twice within one
        is kept once.
    dropped : frozenset of str
        Identifiers of the notes that were left out.
    """

    notes: dict[str, list[Note]]
    accounts: dict[str, Account]
    dropped: frozenset[str]


def read_splits(notes: Path, text_field: str = "text", id_field: str = "doc_id") -> Splits:
    """Read notes and put each in a split.

    A folder with ``train``, ``dev`` and ``test`` (each ``.jsonl``, ``.jsonl.gz``, ``.csv`` or a folder of ``.txt``) is
    taken as it is. Any other file or folder is divided 80 / 10 / 10 by a hash of the text: a note stays where it is
    when others come, and near-duplicates go to the same side.

    Raises
    ------
    InputError
        If notes cannot be read, an identifier occurs twice, a split is empty, or given splits share a note or a
        near-duplicate (`leaks.THRESHOLD`); names the identifiers.
    """
    sources = _sources(notes)
    given = sources[0][0] != ""
    read = [(split, note) for split, path in sources for note in read_notes(path, text_field, id_field, notes)]
    accounts = {split: Account("notes") for split in (SPLITS if given else ("all",))}
    _refuse_repeated_ids([note for _, note in read])
    kept = _drop_repeats(read, accounts)
    if given:
        _refuse_leaks(kept)
        splits = {split: [note for where, note in kept if where == split] for split in SPLITS}
    else:
        splits = _divide([note for _, note in kept], notes)
    for split, members in splits.items():
        if not members:
            raise InputError(f"{notes}: no note in the {split} split. Give at least one.")
    dropped = {note.doc_id for _, note in read} - {note.doc_id for _, note in kept}
    return Splits(splits, accounts, frozenset(dropped))


def _sources(notes: Path) -> list[tuple[str, Path]]:
    """Return (split, path) for splits that are given, or one ('', path) to divide."""
    if not notes.is_dir():
        return [("", notes)]
    entries = [path for path in sorted(notes.iterdir()) if not path.name.startswith(".")]
    found = {split: [path for path in entries if _stem(path) == split and _is_source(path)] for split in SPLITS}
    if not any(found.values()):
        return [("", path) for path in _one_set(notes, entries)]
    for split, paths in found.items():
        if len(paths) != 1:
            have = ", ".join(path.name for path in paths) or "none"
            raise InputError(f"{notes}: expected one {split}.jsonl, {split}.csv or {split}/ of .txt, found {have}.")
    taken = {path for paths in found.values() for path in paths}
    for path in entries:
        if path not in taken and path.is_file() and kind_of(path):
            raise InputError(f"{path}: stands beside train, dev and test, but belongs to none. Move it out.")
    return [(split, paths[0]) for split, paths in found.items()]


def _one_set(notes: Path, entries: list[Path]) -> list[Path]:
    if (notes / REFERENCE_FOLDER).is_dir():
        raise InputError(
            f"{notes / REFERENCE_FOLDER}: reference annotation needs given splits. "
            "Put the notes into train.jsonl, dev.jsonl and test.jsonl."
        )
    tables = [path for path in entries if path.is_file() and kind_of(path) in {"jsonl", "csv"}]
    if not tables:
        return [notes]
    others = [path for path in entries if path not in tables]
    if others or len({kind_of(path) for path in tables}) > 1:
        odd = others[0] if others else tables[-1]
        raise InputError(f"{odd}: a folder of notes holds .jsonl only, .csv only or .txt only. Move it out.")
    return tables


def _stem(path: Path) -> str:
    return path.name.split(".", 1)[0]


def _is_source(path: Path) -> bool:
    return path.is_dir() or kind_of(path) in {"jsonl", "csv"}


def _drop_repeats(read: list[tuple[str, Note]], accounts: dict[str, Account]) -> list[tuple[str, Note]]:
    """Keep the first of each text within a split."""
    kept: list[tuple[str, Note]] = []
    seen: set[tuple[str, str]] = set()
    for split, note in read:
        account = accounts[split or "all"]
        account.taken += 1
        key = (split, text_sha256(note.text))
        if key in seen:
            account.dropped["same text as another note"] += 1
            continue
        seen.add(key)
        account.kept += 1
        kept.append((split, note))
    return kept


def _refuse_repeated_ids(notes: Iterable[Note]) -> None:
    places: dict[str, str] = {}
    for note in notes:
        if note.doc_id in places and note.doc_id != derived_id(note.text):
            raise InputError(
                f"doc_id {note.doc_id!r} occurs twice: {places[note.doc_id]} and {note.source}. "
                "Give each note an identifier of its own, or leave all of them out."
            )
        places[note.doc_id] = note.source


def _refuse_leaks(kept: Sequence[tuple[str, Note]]) -> None:
    leaks = [
        f"{kept[pair.first][1].doc_id} ({kept[pair.first][0]}) and {kept[pair.second][1].doc_id} "
        f"({kept[pair.second][0]}) are {pair.similarity:.0%} the same"
        for pair in near_duplicates([note.text for _, note in kept])
        if kept[pair.first][0] != kept[pair.second][0]
    ]
    if leaks:
        more = f"; and {len(leaks) - _SHOWN} more pairs" if len(leaks) > _SHOWN else ""
        raise InputError(
            f"Leak between splits: {'; '.join(leaks[:_SHOWN])}{more}. "
            "Keep each in one split only, or give the notes in one file to have them divided."
        )


def _divide(notes: list[Note], path: Path) -> dict[str, list[Note]]:
    """Divide by a hash of each group of near-duplicates: its smallest text hash, as a number from 0 to 1."""
    if not notes:
        raise InputError(f"{path}: no notes in it. Give {READABLE}.")
    member_of = groups(len(notes), near_duplicates([note.text for note in notes]))
    place: dict[int, float] = {}
    for group, note in zip(member_of, notes, strict=True):
        place[group] = min(place.get(group, 1.0), int(text_sha256(note.text)[:13], 16) / 16**13)
    if len(place) < len(SPLITS):
        raise InputError(
            f"{path}: {len(place)} different notes cannot be divided into train, dev and test. Give at least three; "
            "near-duplicates count as one."
        )
    split_of = {group: _split_at(value) for group, value in place.items()}
    _fill_empty(split_of, place)
    return {
        split: [note for group, note in zip(member_of, notes, strict=True) if split_of[group] == split]
        for split in SPLITS
    }


def _split_at(value: float) -> str:
    return "test" if value >= _TEST_FROM else "dev" if value >= _DEV_FROM else "train"


def _fill_empty(split_of: dict[int, str], place: dict[int, float]) -> None:
    """Few notes may miss a split: it gets the group with the highest number from the fullest one."""
    for split in SPLITS:
        if split not in split_of.values():
            members = {name: [group for group, where in split_of.items() if where == name] for name in SPLITS}
            fullest = max(SPLITS, key=lambda name: len(members[name]))
            split_of[max(members[fullest], key=lambda group: place[group])] = split
