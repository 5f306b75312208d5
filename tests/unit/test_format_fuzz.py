"""No answer makes a parser raise or take long, whatever is in it."""

import time

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinical_distilled.answers.alignment import align
from clinical_distilled.answers.formats import FORMATS
from clinical_distilled.answers.formats.base import Parsed
from clinical_distilled.answers.mentions import AnswerMention

LABELS = ("DISEASE", "SYMPTOM", "MEDICATION")
NOTE = "Chest pain since May, no fever. Takes iron.\nHas asthma; pain again."
DOC = spacy.blank("en")(NOTE)
MENTIONS = [AnswerMention(*pair) for pair in (("Chest pain", "SYMPTOM"), ("iron", "MEDICATION"), ("asthma", "DISEASE"))]
PIECES = (
    *"\"'`“”‘’{}[]()<>|:;,.-=#@*\\/~_ \t\n\r\x00\u200b\u2028", "@@", "##", "===", "```json", "\\n", "\\u12", "\ud800",
    "- text: ", "label: ", '"text": ', "DISEASE", "SYMPTOM:", "<SYMPTOM>", "</SYMPTOM>", "](SYMPTOM)", "| True |",
    "1. ", "B-DISEASE", "\tI-SYMPTOM\n", "\tO\n", "NONE", "null", "pain", "Chest pain", "[[", "{{", "<think>", "<a b",
)  # fmt: skip
MARKS = st.sampled_from(PIECES)


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(pieces=st.lists(MARKS, max_size=40), data=st.data())
def test_no_answer_makes_a_parser_raise(name, pieces, data):
    rendered = FORMATS[name].render(MENTIONS, NOTE)
    cut = data.draw(st.integers(0, len(rendered)))
    noise = "".join(pieces)

    for answer in (noise, rendered[:cut], rendered[:cut] + noise + rendered[cut:]):
        parsed = FORMATS[name].parse(answer, NOTE, LABELS)

        assert isinstance(parsed, Parsed)
        assert all(isinstance(mention.text, str) and mention.label for mention in parsed.mentions)
        align(DOC, parsed.mentions, LABELS)


def hostile(size):
    """Answers of `size` characters that make careless parsers quadratic, by name."""
    units = [
        *"{[<\"'“@#|*-= \n\\:,(",
        "{[", '{"', '{"a', '{"a": ', '[{"text": "', '"a" ', "'a, ", "[1,", "a:", "](", "](A", "[a", "@@", "@@a", "##",
        "<a", "<a ", "</a>", "<a><b>", "<DISEASE>", "- ", "- text: ", "a: b\n", "1. ", "1. a |", "| a |", "|\n",
        "a\tO\n",
        "```\n", "=== DISEASE\n", "DISEASE: ", 'DISEASE: "a, ', "\\\\", "\\n", "<think>", "a b ", "\\[", "[\\",
    ]  # fmt: skip
    answers = {f"{unit!r} repeated": unit * (size // len(unit)) for unit in units}
    answers["spaces inside a line"] = "1. a" + " " * size + "b | True | X"
    answers["spaces before a tag"] = "a" + " " * size + "b"
    answers["a heading of spaces"] = "== DISEASE" + " " * size + "x"
    for name, format_ in FORMATS.items():
        one = format_.render(MENTIONS, NOTE) + "\n"
        answers[f"{name} repeated"] = one * (size // len(one))
    return answers


def slowest(name, size):
    """Return which hostile answer takes longest to read, and how long in seconds of CPU."""

    def seconds(answer):
        started = time.process_time()
        FORMATS[name].parse(answer, NOTE, LABELS)
        return time.process_time() - started

    # A busy machine may slow one run down: the better of two counts.
    taken = {what: seconds(answer) for what, answer in hostile(size).items()}
    what = max(taken, key=taken.__getitem__)
    return what, min(taken[what], seconds(hostile(size)[what]))


@pytest.mark.parametrize("name", FORMATS)
def test_time_does_not_explode_with_length(name):
    what, seconds = slowest(name, 100_000)

    assert seconds < 0.4, what


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_a_megabyte_is_read_in_a_second(name):
    what, seconds = slowest(name, 1_000_000)

    assert seconds < 1.0, what
