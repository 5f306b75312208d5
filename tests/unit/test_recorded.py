"""The recorded model: the ledger answers, and what it cannot answer is an error that names the note."""

import json
from typing import Iterable  # noqa: UP035 - spacy-llm compares these hints with typing's own

import pytest
import spacy
from confection import Config
from spacy.tokens import Doc
from spacy_llm.registry import registry
from spacy_llm.util import assemble_from_config

from clinical_distilled.answers.entries import Reply, Request, Status
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.recorded import make_recorded


@pytest.fixture
def answers(tmp_path):
    rows = [
        {"doc_id": name, "text_sha256": text_sha256(f"note {name}"), "response": f"answer {name}"} for name in "abc"
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def prompt(name, text=None, rendered="Which?"):
    return NotePrompt.make(rendered, doc_id=name, note_sha256=text_sha256(text or f"note {name}"))


def test_answers_come_by_note_in_the_order_asked(answers):
    model = make_recorded(str(answers))

    found = model([[prompt("b"), prompt("b")], [prompt("a")]])

    assert [list(each) for each in found] == [["answer b", "answer b"], ["answer a"]]


def test_a_missing_answer_names_the_note_and_the_file(answers):
    with pytest.raises(InputError, match=r"answers\.jsonl: no answer for 'z'"):
        make_recorded(str(answers))([[prompt("a")], [prompt("z")]])


def test_an_answer_for_another_text_names_the_note_and_the_file(answers):
    with pytest.raises(InputError, match=r"answers\.jsonl: the answer for 'a' was recorded for another text"):
        make_recorded(str(answers))([[prompt("a", "edited")]])


def test_it_says_which_notes_it_covers(answers):
    hashes = [text_sha256("note a"), text_sha256("mine")]

    assert make_recorded(str(answers)).covers(hashes) == {hashes[0]}


def test_the_file_is_only_opened_on_use(tmp_path):
    model = make_recorded(str(tmp_path / "none.jsonl"))

    with pytest.raises(InputError, match="no such file"):
        model.covers([])


def ledger_with(path, *rows):
    ledger = Ledger(path)
    for model, rendered, answer in rows:
        asked = Request(model + rendered, "a", text_sha256("note a"), text_sha256(rendered), model)
        ledger.claim(asked)
        ledger.settle(asked, Reply(answer=answer), Status.ANSWERED)
    ledger.close()
    return str(path)


def test_a_live_ledger_answers_the_prompt_that_was_asked(tmp_path):
    path = ledger_with(tmp_path / "l.sqlite", ("m", "Which?", "one"), ("m", "What?", "two"))

    model = make_recorded(path)

    assert model([[prompt("a", rendered="What?")]]) == [["two"]]
    with pytest.raises(InputError, match="no answer for 'a'"):
        model([[prompt("a", rendered="Who?")]])


def test_a_ledger_of_two_models_is_ambiguous(tmp_path):
    path = ledger_with(tmp_path / "l.sqlite", ("m1", "Which?", "one"), ("m2", "Which?", "two"))

    with pytest.raises(InputError, match="several answers to the prompt of 'a'"):
        make_recorded(path)([[prompt("a")]])


class EchoTask:
    """A task as small as spacy-llm allows."""

    def generate_prompts(self, docs: Iterable[Doc]) -> Iterable[NotePrompt]:
        for doc in docs:
            yield NotePrompt.make(doc.text, doc_id=doc.user_data["doc_id"], note_sha256=text_sha256(doc.text))

    def parse_responses(self, docs: Iterable[Doc], responses: Iterable[str]) -> Iterable[Doc]:
        # spacy-llm nests the responses of this kind of task too, whatever its own check of hints says.
        for doc, response in zip(docs, responses, strict=True):
            doc.user_data["answer"] = next(iter(response))
            yield doc


registry.llm_tasks("test.Echo.v1", func=EchoTask)


def pipeline(answers):
    llm = {
        "factory": "llm",
        "task": {"@llm_tasks": "test.Echo.v1"},
        "model": {"@llm_models": "clinical.Recorded.v1", "answers": str(answers)},
    }
    return assemble_from_config(Config({"nlp": {"lang": "en", "pipeline": ["llm"]}, "components": {"llm": llm}}))


def docs(nlp, *names):
    for name in names:
        doc = nlp.make_doc(f"note {name}")
        doc.user_data["doc_id"] = name
        yield doc


def test_in_a_pipeline_the_answers_arrive_and_the_error_is_not_swallowed(answers):
    nlp = pipeline(answers)

    answered = [doc.user_data["answer"] for doc in nlp.pipe(docs(nlp, "a", "b", "c"), batch_size=2)]

    assert answered == ["answer a", "answer b", "answer c"]
    with pytest.raises(InputError, match="no answer for 'z'"):
        list(nlp.pipe(docs(nlp, "a", "z", "b")))


def test_a_pipeline_survives_disk_and_worker_processes(answers, tmp_path):
    nlp = pipeline(answers)
    nlp.to_disk(tmp_path / "pipeline")

    again = spacy.load(tmp_path / "pipeline")

    answered = [doc.user_data["answer"] for doc in again.pipe(docs(again, "a", "b", "c"), batch_size=1, n_process=2)]
    assert answered == ["answer a", "answer b", "answer c"]
