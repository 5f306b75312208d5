"""The local model: a tiny causal model made on the spot, with the ledger that servers have."""

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402

from clinical_distilled.answers.entries import Status  # noqa: E402
from clinical_distilled.answers.ledger import Ledger  # noqa: E402
from clinical_distilled.answers.requests import FailedAnswer, NotePrompt  # noqa: E402
from clinical_distilled.errors import InputError  # noqa: E402
from clinical_distilled.files import text_sha256  # noqa: E402
from clinical_distilled.teachers.local_model import make_local_model  # noqa: E402

WORDS = ["<pad>", "<end>", "<user>", "<assistant>", *(f"w{number}" for number in range(60))]
TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}> {{ m['content'] }} {% endfor %}"
    "{% if add_generation_prompt %}<assistant> {% endif %}"
)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A Llama of two small layers that says words of its own; room for 64 tokens."""
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.set_num_threads(1)  # a model this small only waits for other threads
    torch.manual_seed(1)
    config = transformers.LlamaConfig(
        vocab_size=len(WORDS), hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    )
    config.max_position_embeddings, config.eos_token_id, config.pad_token_id = 64, 1, 0
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def make(tiny, tmp_path):
    made = []

    def make(name="l.sqlite", **settings):
        ledger = Ledger(tmp_path / name)
        made.append(make_local_model(**{"name": tiny, "ledger": ledger, "max_tokens": 6, "batch_size": 4, **settings}))
        return made[-1]

    yield make
    for model in made:
        model.close()


def prompt(text, **more):
    return NotePrompt.make(text, doc_id=text, note_sha256=text_sha256(text), **more)


PROMPTS = [prompt(" ".join(f"w{1 + (start * step) % 50}" for step in range(1, 3 + start))) for start in range(1, 10)]


def ask(model, prompts):
    return [next(iter(of_one)) for of_one in model([each] for each in prompts)]


def test_batched_answers_are_those_of_each_prompt_alone(make):
    together = ask(make("a.sqlite"), PROMPTS)
    alone = ask(make("b.sqlite", batch_size=1), PROMPTS)

    assert together == alone
    assert len(set(together)) > 1
    assert all(answer.startswith("w") or not answer for answer in together)


def test_a_second_run_loads_no_model(make):
    first = ask(make(), PROMPTS)
    again = make()

    assert ask(again, PROMPTS) == first
    assert again._loaded is None


def test_the_chat_template_is_applied_and_tokens_are_counted(make):
    model = make()
    ask(model, [prompt("w1 w2 w3")])

    reply = model.ledger.get(model.request(prompt("w1 w2 w3")).key).reply
    assert reply.tokens_in == 5 * reply.attempts  # <user> w1 w2 w3 <assistant>
    assert reply.tokens_out >= 1
    assert reply.price == 0.0


def test_sampling_is_seeded(make):
    settings = {"temperature": 5.0, "max_tokens": 12}
    first, again = (ask(make(name, **settings), PROMPTS) for name in ("a.sqlite", "b.sqlite"))
    other = ask(make("c.sqlite", seed=1, **settings), PROMPTS)

    assert first == again != other


def test_an_answer_cut_off_is_asked_once_more_with_more_room(make):
    model = make()
    ask(model, PROMPTS)

    replies = [model.ledger.get(model.request(each).key).reply for each in PROMPTS]
    cut = [reply for reply in replies if reply.discarded]
    assert cut  # a model this small hardly ever ends by itself
    assert all(reply.complete and reply.attempts == 2 for reply in cut)
    assert all(len(reply.answer.split()) > len(reply.discarded[0].split()) for reply in cut)


def test_an_answer_that_cannot_be_read_is_asked_once_more(make):
    model = make(max_tokens=40)
    unreadable = prompt("w1 w2", check=lambda answer: "not right")
    ask(model, [unreadable])

    reply = model.ledger.get(model.request(unreadable).key).reply
    assert len(reply.discarded) == 1


def test_a_prompt_too_long_for_the_model_fails_that_note_only(make):
    model = make()
    long = prompt("w5 " * 70)
    answers = ask(model, [PROMPTS[0], long, PROMPTS[1]])

    assert isinstance(answers[1], FailedAnswer)
    assert answers[1].error == "context length"
    assert model.ledger.get(model.request(long).key).status is Status.FAILED
    assert answers[0] == ask(make("b.sqlite"), PROMPTS[:1])[0]


def test_a_folder_without_a_model_is_named(make, tmp_path):
    with pytest.raises(InputError, match="cannot be loaded"):
        ask(
            make(name="c.sqlite") and make_local_model(name=str(tmp_path), ledger=Ledger(tmp_path / "x.sqlite")),
            PROMPTS,
        )
