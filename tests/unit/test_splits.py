"""Splits: given ones are checked for leaks, others are divided the same way every time."""

import json
import random
from itertools import chain

import pytest

from clinical_distilled.corpora.docs import SPLITS
from clinical_distilled.corpora.notes import derived_id
from clinical_distilled.corpora.splits import read_splits
from clinical_distilled.errors import InputError

WORDS = ("fever", "cough", "pain", "rash", "left", "right", "knee", "arm", "since", "day", "week", "seen", "sent")


def text(seed, length=40):
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) + str(rng.randrange(50)) for _ in range(length))


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def given(folder, **splits):
    for split, rows in splits.items():
        write(folder / f"{split}.jsonl", rows)
    return folder


def row(doc_id, seed):
    return {"doc_id": doc_id, "text": text(seed)}


def ids(splits):
    return {split: [note.doc_id for note in notes] for split, notes in splits.notes.items()}


def test_given_splits_are_taken_as_they_are(tmp_path):
    given(tmp_path, train=[row("a", 1), row("b", 2)], dev=[row("c", 3)], test=[row("d", 4)])
    (tmp_path / "README.md").write_text("about the notes")

    splits = read_splits(tmp_path)

    assert ids(splits) == {"train": ["a", "b"], "dev": ["c"], "test": ["d"]}


def test_given_splits_may_be_folders_of_text_or_csv(tmp_path):
    for number, folder in enumerate(["train", "dev"]):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "n.txt").write_text(text(number))
    (tmp_path / "test.csv").write_text(f"text\n{text(9)}\n")

    assert ids(read_splits(tmp_path)) == {"train": ["train/n"], "dev": ["dev/n"], "test": [derived_id(text(9))]}


def test_one_file_is_divided_and_stays_divided_when_notes_come(tmp_path):
    rows = [row(f"n{i}", i) for i in range(300)]
    write(tmp_path / "few.jsonl", rows[:200])
    write(tmp_path / "all.jsonl", rows[::-1])

    few, all_ = ids(read_splits(tmp_path / "few.jsonl")), ids(read_splits(tmp_path / "all.jsonl"))

    assert sum(map(len, few.values())) == 200
    assert all(set(few[split]) <= set(all_[split]) for split in SPLITS)
    assert len(all_["train"]) == pytest.approx(240, abs=25)
    assert len(all_["dev"]) == pytest.approx(30, abs=15)


def test_near_duplicates_go_to_the_same_side(tmp_path):
    rows = [row(f"n{i}", i) for i in range(60)]
    versions = [{"doc_id": f"n{i}-copy", "text": rows[i]["text"] + " signed"} for i in range(60)]
    write(tmp_path / "a.jsonl", rows + versions)

    divided = ids(read_splits(tmp_path / "a.jsonl"))

    for members in divided.values():
        assert members
        assert {name.removesuffix("-copy") for name in members} == {name for name in members if "copy" not in name}


def test_three_notes_are_enough(tmp_path):
    for i in range(3):
        (tmp_path / f"{i}.txt").write_text(text(i))

    assert {split: len(members) for split, members in ids(read_splits(tmp_path)).items()} == dict.fromkeys(SPLITS, 1)


def test_several_tables_in_a_folder_are_one_set(tmp_path):
    write(tmp_path / "a.jsonl", [row("a", 1), row("b", 2)])
    write(tmp_path / "b.jsonl", [row("c", 3)])

    assert sorted(chain.from_iterable(ids(read_splits(tmp_path)).values())) == ["a", "b", "c"]


def test_a_text_given_twice_in_a_split_is_kept_once_and_counted(tmp_path):
    given(tmp_path, train=[row("a", 1), row("b", 1), row("c", 2)], dev=[row("d", 3)], test=[row("e", 4)])

    splits = read_splits(tmp_path)

    assert ids(splits)["train"] == ["a", "c"]
    assert splits.dropped == {"b"}
    assert str(splits.accounts["train"]) == "3 notes = 2 kept + 1 same text as another note"


def test_notes_without_id_given_twice_are_a_repeat_not_an_error(tmp_path):
    write(tmp_path / "a.jsonl", [{"text": text(i)} for i in (1, 1, 2, 3)])

    assert read_splits(tmp_path / "a.jsonl").accounts["all"].dropped.total() == 1


@pytest.mark.parametrize("other", ["same", "another"])
def test_an_id_given_twice_names_both_places(tmp_path, other):
    rows = [row("a", 1), row("b", 2), row("a", 1 if other == "same" else 3)]
    write(tmp_path / "a.jsonl", rows)

    with pytest.raises(InputError, match=r"doc_id 'a' occurs twice: .*a\.jsonl, line 1 and .*a\.jsonl, line 3"):
        read_splits(tmp_path / "a.jsonl")


def test_an_id_in_two_splits_is_refused(tmp_path):
    given(tmp_path, train=[row("a", 1)], dev=[row("b", 2)], test=[row("a", 3)])

    with pytest.raises(InputError, match=r"'a' occurs twice: .*train\.jsonl, line 1 and .*test\.jsonl, line 1"):
        read_splits(tmp_path)


def test_a_leak_between_splits_names_the_ids_and_not_the_text(tmp_path):
    leak = {"doc_id": "x", "text": text(1) + " signed"}
    given(tmp_path, train=[row("a", 1), row("b", 2)], dev=[row("d", 3)], test=[leak])

    with pytest.raises(InputError, match=r"a \(train\) and x \(test\) are 97% the same") as caught:
        read_splits(tmp_path)

    assert "signed" not in str(caught.value)
    assert text(1)[:10] not in str(caught.value)


def test_the_same_text_without_ids_in_two_splits_is_a_leak(tmp_path):
    same = {"text": text(1)}
    given(tmp_path, train=[same], dev=[row("d", 3)], test=[same])

    with pytest.raises(InputError, match="Leak between splits"):
        read_splits(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train.jsonl", "test.jsonl"], r"expected one dev\.jsonl.*found none"),
        (
            ["train.jsonl", "train.csv", "dev.jsonl", "test.jsonl"],
            r"expected one train\.jsonl.*found train\.csv",
        ),
        (["train.jsonl", "dev.jsonl", "test.jsonl", "more.jsonl"], r"more\.jsonl: stands beside"),
        (["a.jsonl", "b.csv"], r"b\.csv: a folder of notes holds"),
        (["a.jsonl", "b.txt"], r"b\.txt: a folder of notes holds"),
        (["a.txt", "b.docx"], r"b\.docx: a folder of notes holds"),
        (["a.txt", "b.txt"], "2 different notes cannot be divided"),
        ([], "no notes in it"),
        (["reference/dev.jsonl", "a.txt"], "reference annotation needs given splits"),
    ],
)
def test_folders_that_cannot_be_understood(tmp_path, names, message):
    for number, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        content = {"jsonl": json.dumps(row(name, number)), "csv": f"doc_id,text\n{name},{text(number)}"}
        path.write_text(content.get(path.suffix[1:], text(number)))

    with pytest.raises(InputError, match=message):
        read_splits(tmp_path)


def test_an_empty_split_is_refused(tmp_path):
    given(tmp_path, train=[row("a", 1)], dev=[], test=[row("b", 2)])

    with pytest.raises(InputError, match="no note in the dev split"):
        read_splits(tmp_path)
