"""A live teacher against a server that we did not write: `transformers serve` with a tiny model made on the spot.

The environment variable ``CLINICAL_TRANSFORMERS`` names the `transformers` program of an environment with
``transformers[serving]>=4.56`` and torch (our own pins an older one, whose `serve` does not speak chat completions).
"""

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest

from clinical_distilled.answers.entries import Status
from clinical_distilled.answers.ledger import Ledger
from clinical_distilled.answers.requests import NotePrompt
from clinical_distilled.files import text_sha256
from clinical_distilled.teachers.chat_model import make_chat_model

PROGRAM = os.environ.get("CLINICAL_TRANSFORMERS", "")
MAKE = """
import sys, torch, transformers
from tokenizers import Tokenizer, models, pre_tokenizers, decoders
letters = sorted(pre_tokenizers.ByteLevel.alphabet())
vocabulary = {letter: number for number, letter in enumerate([*letters, "<end>"])}
tokenizer = Tokenizer(models.BPE(vocabulary, []))
tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>")
fast.chat_template = "{% for m in messages %}{{ m['content'] }}\\n{% endfor %}"
fast.save_pretrained(sys.argv[1])
torch.manual_seed(0)
config = transformers.LlamaConfig(vocab_size=257, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
    num_attention_heads=2, max_position_embeddings=512, eos_token_id=256, pad_token_id=256)
transformers.LlamaForCausalLM(config).save_pretrained(sys.argv[1])
"""


def wait_for(port, process, seconds=120):
    for _ in range(seconds * 4):
        if process.poll() is not None:
            pytest.skip(f"transformers serve ended at once (exit {process.returncode})")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.25)
    pytest.skip("transformers serve did not start in time")


@pytest.fixture
def served(tmp_path):
    """Address and model name of the running server."""
    if not PROGRAM or not shutil.which(PROGRAM):
        pytest.skip("CLINICAL_TRANSFORMERS names no `transformers` program with `serve`")
    folder = tmp_path / "tiny"
    subprocess.run([sys.executable, "-c", MAKE, str(folder)], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}/v1", str(folder)
        finally:
            process.kill()
            process.wait()


def test_a_real_server_answers_every_note_and_is_asked_once(served, tmp_path):
    url, name = served
    settings = {"base_url": url, "model": name, "max_tokens": 8, "max_concurrency": 2, "timeout": 60.0, "seed": None}
    prompts = [
        # A model this small may say nothing at all, which is as good as anything else it says.
        NotePrompt.make(text, doc_id=text, note_sha256=text_sha256(text), check=lambda answer: None)
        for text in ("fever", "cough", "rash")
    ]
    model = make_chat_model(ledger=Ledger(tmp_path / "l.sqlite"), **settings)

    first = [list(of_one) for of_one in model([prompt] for prompt in prompts)]
    model.close()
    again = [list(of_one) for of_one in model([prompt] for prompt in prompts)]

    entries = list(model.ledger.select())
    model.close()
    assert first == again
    assert {entry.status for entry in entries} == {Status.ANSWERED}, [entry.reply.error for entry in entries]
    assert all(entry.reply.attempts <= 2 and entry.reply.tokens_in > 0 for entry in entries)
