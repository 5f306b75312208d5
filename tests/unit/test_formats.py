"""Reading and writing answers: what each format gives for what models really write."""

# ruff: noqa: E501 - answers are long lines

import pytest

from clinical_distilled.answers.formats import Problem, get_format
from clinical_distilled.answers.mentions import AnswerMention

LABELS = ("DISEASE", "SYMPTOM", "MEDICATION")


def read(name, answer, text=""):
    """What a format reads from an answer: (text, label) pairs and the problem."""
    parsed = get_format(name).parse(answer, text, LABELS)
    return [(mention.text, mention.label) for mention in parsed.mentions], parsed.problem


RASH_AND_IRON = [("rash", "SYMPTOM"), ("iron", "MEDICATION")]


@pytest.mark.parametrize(
    "answer",
    [
        "1. rash | True | SYMPTOM | seen\n2. iron | True | MEDICATION | given",
        "1) rash | true | SYMPTOM |\n2) iron | Yes | MEDICATION",
        "Here you are:\n\n```\n1. rash | True | SYMPTOM | seen\n2. iron | True | MEDICATION | given\n```\nAnything else?",
        "rash | True | SYMPTOM | seen\niron | True | MEDICATION | given",
        "- rash | SYMPTOM\n- iron | MEDICATION",
        "**1.** rash | **True** | **SYMPTOM** | seen\r\n**2.** iron | True | MEDICATION | given\r\n",
        "1. rash | True | SYMPTOM | seen\\n2. iron | True | MEDICATION | given",
        "<think>1. pain | True | SYMPTOM | no</think>1. rash | True | SYMPTOM | a\n2. iron | True | MEDICATION | b",
        "1. rash | True | SYMPTOM | seen\n2. Pt | False | DISEASE | no\n3. iron | True | MEDICATION | given",
    ],
)
def test_numbered_lines_as_models_write_them(answer):
    assert read("numbered", answer) == (RASH_AND_IRON, None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("NONE", ([], None)),
        ("`None.`", ([], None)),
        (" \n", ([], Problem.EMPTY)),
        ("I am sorry.", ([], Problem.UNREADABLE)),
        ("1. rash | True | SYMPTOM | seen\n2. ir", ([("rash", "SYMPTOM")], Problem.CUT_OFF)),
        ("1. rash\n2. iron | True | MEDICATION | x", ([("iron", "MEDICATION")], Problem.PARTLY)),
        ("1. a|b | c | True | SYMPTOM | x | y", ([("a|b | c", "SYMPTOM")], None)),
        ("1. rash | True | SKIN | x", ([("rash", "SKIN")], None)),
    ],
)
def test_numbered_lines_that_are_odd(answer, expected):
    assert read("numbered", answer) == expected


def test_numbered_lines_keep_the_rationale():
    (mention,) = get_format("numbered").parse("1. rash | True | SYMPTOM | red | itchy", "", LABELS).mentions

    assert mention.rationale == "red | itchy"


@pytest.mark.parametrize(
    "answer",
    [
        '[{"text": "rash", "label": "SYMPTOM"}, {"text": "iron", "label": "MEDICATION"}]',
        '```json\n[{"text": "rash", "label": "SYMPTOM"},\n {"text": "iron", "label": "MEDICATION"},]\n```',
        'Sure! The entities:\n[{"text": "rash", "label": "SYMPTOM"} {"text": "iron", "label": "MEDICATION"}]\nI hope so.',
        "[{'text': 'rash', 'label': 'SYMPTOM'}, {'text': 'iron', 'label': 'MEDICATION'}]",
        "[{“text”: “rash”, “label”: “SYMPTOM”}, {“text”: “iron”, “label”: “MEDICATION”}]",
        "[{text: rash, label: SYMPTOM}, {text: iron, label: MEDICATION}]",
        '[{\\"text\\": \\"rash\\", \\"label\\": \\"SYMPTOM\\"},\\n{\\"text\\": \\"iron\\", \\"label\\": \\"MEDICATION\\"}]',
        '{"entities": [{"entity": "rash", "type": "SYMPTOM"}, {"entity": "iron", "type": "MEDICATION"}]}',
        '{"text": "rash", "label": "SYMPTOM"}\n{"text": "iron", "label": "MEDICATION"}',
        '[{"text": "rash", "label": "SYMPTOM", "text": "iron", "label": "MEDICATION"}]',
        '{"SYMPTOM": ["rash"], "MEDICATION": ["iron"], "DISEASE": []}',
        '{"DISEASE": null, "SYMPTOM": "rash", "MEDICATION": ["iron"]}',
        '[{"label": "SYMPTOM", "text": "rash", "confidence": 0.9}, {"label": "MEDICATION", "text": "iron"}]',
    ],
)
def test_json_as_models_write_it(answer):
    assert read("json_list", answer) == (RASH_AND_IRON, None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("[]", ([], None)),
        ("", ([], Problem.EMPTY)),
        ("There is [nothing] to find", ([], Problem.UNREADABLE)),
        ('[{"text": "rash", "label": "SYMPTOM"}, {"text": "ir', ([("rash", "SYMPTOM")], Problem.CUT_OFF)),
        ('[{"text": "rash"}, {"text": "iron", "label": "MEDICATION"}]', ([("iron", "MEDICATION")], Problem.PARTLY)),
        ('[{"text": "hand "isn\'t mine"", "label": "SYMPTOM"}]', ([('hand "isn\'t mine"', "SYMPTOM")], None)),
        ('[{"text": "chest\npain", "label": "SYMPTOM"}]', ([("chest\npain", "SYMPTOM")], None)),
        ('[{"text": "a {b] c", "label": "SYMPTOM"}]', ([("a {b] c", "SYMPTOM")], None)),
    ],
)
def test_json_that_is_odd(answer, expected):
    assert read("json_list", answer) == expected


def test_a_json_list_keeps_reasons_and_offsets():
    answer = '[{"start": 2, "end": 6, "text": "rash", "label": "SYMPTOM", "reason": "red"}]'

    (mention,) = get_format("json_list").parse(answer, "A rash", LABELS).mentions

    assert mention == AnswerMention("rash", "SYMPTOM", "red", 2, 6)
