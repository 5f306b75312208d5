"""De-identification: optional, and nothing leaves without it where it was asked for."""

import importlib.util

import pytest
from loopback import Server

from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.errors import InputError
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.chat_model import make_chat_model
from clinical_distilled.teachers.deidentify import make_deidentifier

PROMPT = NotePrompt.make("Jane Doe has fever.", doc_id="d", note_sha256=text_sha256("x"))


@pytest.mark.skipif(importlib.util.find_spec("presidio_analyzer") is not None, reason="Presidio is installed")
def test_without_presidio_nothing_is_sent_and_the_extra_is_named(tmp_path):
    with Server() as server:
        model = make_chat_model(
            base_url=server.url, model="m", ledger=Ledger(tmp_path / "l.sqlite"), deidentify=make_deidentifier()
        )
        with pytest.raises(InputError, match=r"clinical-distilled\[deidentify\].*Nothing was sent"):
            list(model([[PROMPT]]))
        model.close()

    assert not server.log.paths


def test_what_is_sent_is_de_identified_and_has_its_own_key(tmp_path):
    def hide(text):
        return text.replace("Jane Doe", "<PERSON>")

    with Server() as server:
        ledger = Ledger(tmp_path / "l.sqlite")
        hidden, open_ = (
            make_chat_model(base_url=server.url, model="m", ledger=ledger, deidentify=each) for each in (hide, None)
        )
        list(hidden([[PROMPT]]))
        hidden.close()

    assert server.log.requests[0]["messages"][0]["content"] == "<PERSON> has fever."
    assert hidden.request(PROMPT).key != open_.request(PROMPT).key
