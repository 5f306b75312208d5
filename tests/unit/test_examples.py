"""Few-shot examples: checked before anything is asked, fixed or nearest."""

import json

import pytest

from clinical_distilled.answers.formats import FORMATS, get_format
from clinical_distilled.errors import InputError
from clinical_distilled.teachers.examples import Examples, make_example_file

LABELS = ("DISEASE", "SYMPTOM", "MEDICATION")
ROWS = [
    ("Takes iron for anaemia.", [(6, 10, "MEDICATION"), (15, 22, "DISEASE")]),
    ("Itchy rash on both arms.", [(0, 10, "SYMPTOM")]),
    ("Chest pain and breathlessness.", [(0, 10, "SYMPTOM"), (15, 29, "SYMPTOM")]),
]


@pytest.fixture
def write(tmp_path):
    def write(rows):
        path = tmp_path / "examples.jsonl"
        lines = [
            {"text": text, "entities": [dict(zip(("start", "end", "label"), e, strict=True)) for e in entities]}
            for text, entities in rows
        ]
        path.write_text("\n".join(map(json.dumps, lines)))
        return str(path)

    return write


@pytest.mark.parametrize("name", FORMATS)
def test_fixed_examples_are_the_first_of_the_file_in_every_format(write, name):
    examples = Examples(make_example_file(write(ROWS), n=2), get_format(name), LABELS)

    shown = examples.for_note("Something else")

    assert [example["text"] for example in shown] == [ROWS[0][0], ROWS[1][0]]
    assert "iron" in shown[0]["answer"]


def test_nearest_examples_are_the_most_alike_and_the_nearest_comes_last(write):
    examples = Examples(make_example_file(write(ROWS), n=2, choose="nearest"), get_format("numbered"), LABELS)

    shown = examples.for_note("An itchy rash, some pain")

    assert [example["text"] for example in shown] == [ROWS[2][0], ROWS[1][0]]


@pytest.mark.parametrize("choose", ["fixed", "nearest"])
def test_a_note_is_never_its_own_example(write, choose):
    examples = Examples(make_example_file(write(ROWS), n=2, choose=choose), get_format("numbered"), LABELS)

    assert ROWS[0][0] not in [example["text"] for example in examples.for_note(ROWS[0][0])]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("A rash", [(2, 6, "SKIN")])], "line 1.*SKIN"),
        ([("A rash", [(2, 60, "SYMPTOM")])], "line 1"),
        ([("A rash", [(3, 6, "SYMPTOM")])], "line 1: written as numbered and read back"),
        ([("pain, then pain", [(11, 15, "SYMPTOM")])], "line 1: written as numbered and read back"),
        ([], "has 0 examples, 1 are asked for"),
    ],
)
def test_a_wrong_example_is_named(write, rows, message):
    with pytest.raises(InputError, match=message):
        Examples(make_example_file(write(rows), n=1), get_format("numbered"), LABELS)
