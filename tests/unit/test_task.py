"""The task ``clinical.NER.v1`` in a real spacy-llm pipeline, with models that answer from a table."""

import json
from pathlib import Path
from typing import Any, Iterable  # noqa: UP035 - spacy-llm compares hints

import pytest
import spacy
from spacy_llm.registry import registry
from spacy_llm.util import assemble

import clinical_distilled.teachers.recorded
import clinical_distilled.teachers.task  # noqa: F401
from clinical_distilled.answers.requests import FailedAnswer, NotePrompt
from clinical_distilled.corpora.docs import read_docs, write_docs
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256

ROOT = Path(__file__).parents[2]
ANSWERS: dict[str, Any] = {}
PROMPTS: list[NotePrompt] = []


@registry.llm_models("test.Table.v1")
def make_table_model():
    def model(prompts: Iterable[Iterable[Any]]) -> Iterable[Iterable[Any]]:
        for of_one in prompts:
            asked = list(of_one)
            PROMPTS.extend(asked)
            yield [ANSWERS[prompt.doc_id] for prompt in asked]

    return model


@pytest.fixture
def pipeline(monkeypatch):
    """Make a pipeline of a shipped teacher config whose model answers from `ANSWERS`."""
    monkeypatch.chdir(ROOT)
    ANSWERS.clear()
    PROMPTS.clear()

    def make(name="llm_guided", **task):
        overrides = {"components.llm.model": {"@llm_models": "test.Table.v1"}}
        overrides |= {f"components.llm.task.{key}": value for key, value in task.items()}
        return assemble(ROOT / f"configs/teachers/{name}.cfg", overrides=overrides)

    return make


def note(nlp, text, doc_id="n1"):
    doc = nlp.make_doc(text)
    doc.user_data["doc_id"] = doc_id
    return doc


def test_an_answer_becomes_spans_with_status_and_rationale(pipeline):
    nlp = pipeline()
    ANSWERS["n1"] = "1. Nausea | True | SYMPTOM | complaint\n2. stroke | True | DISEASE | wrong"

    doc = nlp(note(nlp, "Some nausea since May"))

    group = doc.spans["mentions"]
    assert [(span.text, span.label_, span._.rationale) for span in group] == [("nausea", "SYMPTOM", "complaint")]
    assert group.attrs["status"] == ["normalised"]
    assert group.attrs["lost"] == [{"text": "stroke", "label": "DISEASE", "reason": "not in text"}]


def test_everything_travels_in_a_docbin(pipeline, tmp_path):
    nlp = pipeline()
    ANSWERS["n1"] = "1. nausea | True | SYMPTOM | complaint"

    write_docs([nlp(note(nlp, "Some nausea"))], tmp_path / "x.spacy")

    (doc,) = read_docs(tmp_path / "x.spacy")
    assert doc.spans["mentions"][0]._.rationale == "complaint"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "the answer is empty"),
        ("I cannot help with medical records.", "nothing in the answer could be read"),
        (FailedAnswer.make("context length"), "no answer: context length"),
    ],
)
def test_an_answer_that_cannot_be_read_is_counted_and_costs_no_other_note(pipeline, answer, reason):
    nlp = pipeline()
    ANSWERS.update(bad=answer, good="1. rash | True | SYMPTOM | seen")

    bad, good = nlp.pipe([note(nlp, "A rash", "bad"), note(nlp, "A rash", "good")])

    assert bad.spans["mentions"].attrs["lost"] == [{"text": "", "label": "", "reason": reason}]
    assert (len(bad.spans["mentions"]), [span.text for span in good.spans["mentions"]]) == (0, ["rash"])


def test_none_means_no_mention(pipeline):
    nlp = pipeline()
    ANSWERS["n1"] = "NONE"

    group = nlp(note(nlp, "Well.")).spans["mentions"]

    assert (len(group), group.attrs["lost"]) == (0, [])


def test_the_prompt_is_rendered_for_the_note_and_knows_it(pipeline):
    nlp = pipeline(label_definitions={"DISEASE": "what ails"})
    ANSWERS["n1"] = "NONE"

    nlp(note(nlp, "Text {{ labels }} stays as it is"))

    (prompt,) = PROMPTS
    assert "Note:\nText {{ labels }} stays as it is" in prompt
    assert "- DISEASE: what ails" in prompt
    assert (prompt.doc_id, prompt.note_sha256) == ("n1", text_sha256("Text {{ labels }} stays as it is"))
    assert prompt.check("NONE") is None
    assert prompt.check("sorry") == "nothing in the answer could be read"


def test_the_zero_shot_teacher_reads_json(pipeline):
    nlp = pipeline("llm_zero_shot")
    ANSWERS["n1"] = json.dumps([{"text": "rash", "label": "SYMPTOM"}])

    doc = nlp(note(nlp, "A rash"))

    assert [span.label_ for span in doc.spans["mentions"]] == ["SYMPTOM"]
    assert PROMPTS[0].startswith("Extract all DISEASE, SYMPTOM, MEDICATION entities")


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"labels": []}, "no labels"),
        ({"format": "haiku"}, "No output format 'haiku'. There are: numbered"),
        ({"template": "nowhere.jinja"}, "nowhere.jinja: no such prompt template"),
        ({"label_definitions": {"ODD": "x"}}, "unknown labels: ODD"),
    ],
)
def test_a_config_that_cannot_work_says_why(pipeline, task, message):
    with pytest.raises(InputError, match=message):
        pipeline(**task)


@pytest.mark.parametrize(
    ("template", "message"),
    [("{{ text", "line 1"), ("{{ note }}", "'note' is undefined"), ("{{ text.__class__.mro() }}", "unsafe")],
)
def test_a_broken_template_is_named(pipeline, tmp_path, template, message):
    path = tmp_path / "t.jinja"
    path.write_text(template)

    with pytest.raises(InputError, match=message):
        pipeline(template=str(path))(note(spacy.blank("en"), "A rash"))


@pytest.mark.parametrize("teacher", ["llm_guided", "llm_zero_shot"])
def test_a_recorded_teacher_annotates_a_shipped_note(monkeypatch, teacher):
    monkeypatch.chdir(ROOT)
    nlp = assemble(f"configs/teachers/{teacher}.cfg")
    row = json.loads((ROOT / "assets/notes/dev.jsonl").open(encoding="utf-8").readline())

    doc = nlp(note(nlp, row["text"], row["doc_id"]))

    assert len(doc.spans["mentions"]) > 3
    assert spacy.util.filter_spans(doc.spans["mentions"])
