"""Reading notes: every format gives the same notes, every broken one a message that names its place."""

import csv
import gzip
import json

import pytest

from clinical_distilled.corpora.notes import derived_id, kind_of, read_notes
from clinical_distilled.errors import InputError


def jsonl(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_jsonl_keeps_other_fields(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [{"doc_id": "a", "text": "MI, 80 %\nof LAD", "ward": "6", "age": 71}])

    (note,) = read_notes(path)

    assert (note.doc_id, note.text, note.meta) == ("a", "MI, 80 %\nof LAD", {"ward": "6", "age": 71})
    assert note.source == f"{path}, line 1"


def test_gzipped_jsonl(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write('{"text": "fièvre"}\n')

    assert [note.text for note in read_notes(path)] == ["fièvre"]


def test_a_note_without_id_gets_the_same_one_in_every_file(tmp_path):
    first = jsonl(
        tmp_path / "a.jsonl", [{"text": "no id"}, {"doc_id": None, "text": "null"}, {"doc_id": "", "text": "x"}]
    )
    second = jsonl(tmp_path / "b.jsonl", [{"text": "x"}, {"text": "no id"}])

    ids = [note.doc_id for note in read_notes(first)]

    assert ids == [derived_id("no id"), derived_id("null"), derived_id("x")]
    assert [note.doc_id for note in read_notes(second)] == [ids[2], ids[0]]


def test_csv_with_line_breaks_quotes_and_byte_order_mark(tmp_path):
    path = tmp_path / "a.csv"
    texts = ['Says "no pain".\nOn warfarin, 5 mg.', "x" * 200_000]
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "id", "ward"])
        writer.writerows([[texts[0], "1", "A"], [texts[1], "", "B"]])
    limit = csv.field_size_limit()

    notes = list(read_notes(path, id_field="id"))

    assert [note.text for note in notes] == texts
    assert [note.doc_id for note in notes] == ["1", derived_id(texts[1])]
    assert [note.source.rpartition(" ")[2] for note in notes] == ["2", "4"]
    assert notes[1].meta == {"ward": "B"}
    assert csv.field_size_limit() == limit


def test_csv_text_column_by_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("note_text\nfever\n")

    assert [note.text for note in read_notes(path, text_field="note_text")] == ["fever"]
    with pytest.raises(InputError, match=r"line 1: no column 'text' among 'note_text'.*--text-field"):
        list(read_notes(path))


def test_folder_of_text_files_keeps_line_ends(tmp_path):
    (tmp_path / "ward").mkdir()
    (tmp_path / "b.txt").write_bytes(b"cough\r\nfever")
    (tmp_path / "ward" / "a.v2.txt").write_bytes("\ufeffœdème".encode())
    (tmp_path / ".DS_Store").write_bytes(b"\xff")

    notes = list(read_notes(tmp_path))

    assert [(note.doc_id, note.text) for note in notes] == [("b", "cough\r\nfever"), ("ward/a.v2", "œdème")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.JSONL", "jsonl"), ("a.jsonl.gz", "jsonl"), ("a.csv", "csv"), ("a.csv.gz", ""), ("a.docx", ""), ("csv", "")],
)
def test_kind_of(tmp_path, name, kind):
    assert kind_of(tmp_path / name) == kind


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "ok"}\n{"text": ', "line 2: not JSON"),
        ("a.jsonl", b'{"text": "ok"}\n["x"]\n', "line 2: expected a JSON object"),
        ("a.jsonl", b'{"doc_id": "a"}\n', "line 1: no 'text'"),
        ("a.jsonl", b'{"text": 3}\n', "line 1: 'text' is int"),
        ("a.jsonl", b'\n{"text": " \\n"}\n', "line 2: the text is empty"),
        ("a.jsonl", b'{"text": "\\ud83d"}\n', "line 1: the text has half of a surrogate pair"),
        ("a.jsonl", b'{"doc_id": [1], "text": "x"}\n', "line 1: 'doc_id' is list"),
        ("a.jsonl", b'{"doc_id": true, "text": "x"}\n', "line 1: 'doc_id' is bool"),
        ("a.jsonl", b'{"text": "\xe9"}\n', "UTF-8"),
        ("a.jsonl.gz", b"plain", "gzip"),
        ("a.csv", b"", "no column 'text' among none"),
        ("a.csv", b"text,text\nx,y\n", "column name occurs twice"),
        ("a.csv", b"text,ward\nx,1\ny\n", "line 3: 1 columns where the header has 2"),
        ("a.csv", b"text,ward\n,1\n", "line 2: the text is empty"),
        ("a.csv", b'text\nok\n"open\n', "line 3: not CSV"),
        ("a.csv", b"text\n\xe9\n", "not UTF-8"),
        ("a.txt", b"\xff\xfe", "not UTF-8"),
        ("a.docx", b"PK", "cannot read this kind of file"),
    ],
)
def test_broken_files_name_the_place(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(InputError, match=message) as caught:
        list(read_notes(path))

    assert str(path) in str(caught.value)


def test_a_folder_with_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("fever")
    (tmp_path / "b.docx").write_text("cough")

    with pytest.raises(InputError, match=r"b\.docx: a folder of notes holds \.txt files only"):
        list(read_notes(tmp_path))


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        list(read_notes(tmp_path / "none.jsonl"))
