"""Preflight: a training that cannot work is refused with what to change; one that can is not."""

import pytest
import spacy
from spacy.tokens import Doc, Span

from clinical_distilled.corpora.docs import write_docs
from clinical_distilled.corpora.mentions import LABELS
from clinical_distilled.errors import InputError
from clinical_distilled.student import preflight, resources
from clinical_distilled.student.preflight import check_training

CONFIG = """
[paths]
train = null
dev = null

[nlp]
lang = "en"
pipeline = ["ner"]

[components]

[components.ner]
factory = "ner"

[corpora]

[corpora.train]
@readers = "spacy.Corpus.v1"
path = ${paths.train}

[corpora.dev]
@readers = "spacy.Corpus.v1"
path = ${paths.dev}

[training]
train_corpus = "corpora.train"
dev_corpus = "corpora.dev"
max_epochs = 8
max_steps = 0
patience = 0
eval_frequency = 2

[training.batcher]
@batchers = "spacy.batch_by_words.v1"
size = 40
tolerance = 0.2
discard_oversize = false
"""
NOTE = "Migraine with nausea, given sumatriptan at home."
MENTIONS = [("Migraine", "DISEASE"), ("nausea", "SYMPTOM"), ("sumatriptan", "MEDICATION")]


NLP = spacy.blank("en")


def note(doc_id, text=NOTE, mentions=MENTIONS):
    doc = NLP(text)
    doc.user_data["doc_id"] = doc_id
    starts = [(text.index(surface), surface, label) for surface, label in mentions]
    doc.ents = [doc.char_span(start, start + len(surface), label) for start, surface, label in starts]
    return doc


@pytest.fixture
def check(tmp_path):
    """Write notes and a config changed by (old, new) pairs, and check them."""

    def run(*changes, train=None, dev=None, labels=LABELS, **more):
        write_docs([note(f"t{i}") for i in range(20)] if train is None else train, tmp_path / "train.spacy")
        write_docs([note(f"d{i}") for i in range(3)] if dev is None else dev, tmp_path / "dev.spacy")
        text = CONFIG
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "student.cfg").write_text(text)
        return check_training(tmp_path / "student.cfg", tmp_path, labels, **more)

    return run


def only(report):
    assert len(report.problems) == 1, report.problems
    return report.problems[0]


def test_a_training_that_can_work_passes_with_its_counts(check):
    report = check()

    assert report.problems == []
    assert report.facts["train"]["mentions"] == dict.fromkeys(sorted(LABELS), 20)
    assert report.facts["train"]["longest_note_tokens"] == 9
    assert report.facts["batches"] == {"per_epoch": 5, "largest_tokens": 36}


def test_empty_splits(check):
    assert "train: no documents" in check(train=[]).problems[0]
    assert "dev: no documents" in check(dev=[]).problems[0]


def test_a_label_that_never_occurs_stops_train_and_warns_for_dev(check):
    partly = [note("x", mentions=MENTIONS[:2])]

    assert "train: no mention of MEDICATION" in only(check(train=partly * 20))
    report = check(dev=partly)
    assert report.problems == []
    assert "dev: no mention of MEDICATION" in report.warnings[0]
    assert "dev: no mention of" in only(check(dev=[note("x", mentions=[])]))


def test_a_label_that_was_not_asked_for(check):
    problems = check(labels=["DISEASE", "SYMPTOM"]).problems

    assert problems[0].startswith("train: mentions of MEDICATION")


def test_mentions_with_outer_white_space_name_the_documents(check):
    doc = note("bad-1", "Fever.\n\nNausea.", [])
    doc.ents = [Span(doc, 2, 4, "SYMPTOM")]

    problem = only(check(train=[doc, *(note(f"t{i}") for i in range(20))]))

    assert "train: 1 mentions begin or end with white space" in problem
    assert "documents bad-1" in problem
    assert "Nausea" not in problem


def test_mentions_that_do_not_fit_the_tokens_of_the_config(check):
    merged = Doc(NLP.vocab, words=["anti", "coagulated"], spaces=[False, False])
    merged.user_data["doc_id"] = "split-1"
    merged.ents = [Span(merged, 0, 1, "MEDICATION")]

    problem = only(check(train=[merged, *(note(f"t{i}") for i in range(20))]))

    assert "1 mentions do not fit the tokens" in problem
    assert "documents split-1" in problem


@pytest.mark.parametrize("batcher", ["batch_by_words", "batch_by_padded"])
def test_a_batcher_that_drops_long_notes(check, batcher):
    changes = [("discard_oversize = false", "discard_oversize = true"), ("batch_by_words", batcher)]
    if batcher == "batch_by_padded":
        changes.append(("tolerance = 0.2", "buffer = 256"))
    long = note("long", " ".join([NOTE] * 8))

    problem = check(*changes, train=[long, *(note(f"t{i}") for i in range(19))]).problems[0]

    assert "drops" in problem
    assert "of 20 notes, the longest of 72 tokens" in problem
    assert "discard_oversize to false" in problem


def test_a_batch_size_that_grows_is_understood(check):
    growing = '[training.batcher.size]\n@schedules = "compounding.v1"\nstart = 10\nstop = 40\ncompound = 1.1'

    assert check(("size = 40", ""), ("discard_oversize = false", f"discard_oversize = false\n{growing}")).problems == []


def test_a_reader_that_leaves_notes_out(check):
    changed = ("path = ${paths.train}", "path = ${paths.train}\nmax_length = 30")
    long = note("long", " ".join([NOTE] * 8))

    problem = only(check(changed, train=[long, *(note(f"t{i}") for i in range(20))]))

    assert "train: the corpus reader leaves out 72 of 252 tokens" in problem
    assert "corpora.train.max_length" in problem


def test_a_training_without_end(check):
    assert "never end" in only(check(("max_epochs = 8", "max_epochs = 0")))


def test_a_training_too_short_to_be_scored(check):
    assert "eval_frequency to 10" in only(check(("eval_frequency = 2", "eval_frequency = 200")))
    assert "makes about 5 steps" in only(check(("eval_frequency = 2", "eval_frequency = 5"), epochs=1))


def test_a_component_that_is_not_installed(check):
    assert "no factory 'nosuch'" in only(check(('factory = "ner"', 'factory = "nosuch"')))


def test_no_gpu(check):
    if resources.compat.has_cupy_gpu:
        pytest.skip("this machine has a GPU")

    assert "gpu_id 0" in only(check(gpu_id=0))


@pytest.fixture
def encoder(tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text('{"num_hidden_layers": 12, "hidden_size": 768}')
    (folder / "model.safetensors").write_bytes(bytes(1000))
    return folder


@pytest.mark.parametrize(
    "place",
    [
        ("[nlp]", '[vars]\nencoder = "x"\n\n[nlp]'),
        ('factory = "ner"', 'factory = "ner"\nencoder = "x"'),
        ('factory = "ner"', 'factory = "ner"\n\n[components.ner.model]\n@architectures = "a.v1"\nname = "x"'),
    ],
)
def test_an_encoder_that_does_not_exist_wherever_the_config_names_it(check, tmp_path, place):
    assert "no such folder" in only(check(place, encoder=str(tmp_path / "none")))


def test_what_is_needed_is_compared_with_what_is_free(check, encoder, monkeypatch):
    place = ('factory = "ner"', f'factory = "ner"\nencoder = "{encoder}"')

    enough = check(place)
    monkeypatch.setattr(preflight, "free_memory", lambda _gpu: 10**6)
    monkeypatch.setattr(preflight, "free_disk", lambda _path: 10)
    short = check(place)

    assert enough.problems == []
    assert enough.facts["encoder"]["weight_bytes"] == 1000
    assert [problem[:17] for problem in short.problems] == ["Too little memory", "Too little disk: "]


def test_memory_grows_with_encoder_and_batch(encoder):
    size = resources.encoder_size(encoder)

    assert (size.layers, size.hidden, size.weight_bytes) == (12, 768, 1000)
    assert resources.training_memory(size, 2000) > resources.training_memory(size, 1000) > 4000
    assert resources.free_memory() is None or resources.free_memory() > 0
    assert resources.free_disk(encoder / "not" / "there") > 0


def test_a_container_s_limit_counts(tmp_path, monkeypatch):
    for name, value in {"max": "5000\n", "current": "3000\n", "stat": "anon 1\ninactive_file 400\n"}.items():
        (tmp_path / f"memory.{name}").write_text(value)
    monkeypatch.setattr(resources, "_CGROUP", tmp_path)

    assert resources.free_memory() == 2400


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[paths]", "[paths", "not a config"),
        ('lang = "en"', 'lang = "${vars.lang}"', r"not a config.*vars"),
        ("spacy.Corpus.v1", "nosuch.Corpus.v1", r"\[corpora\.train\] of the config cannot be used"),
    ],
)
def test_a_config_that_cannot_be_read(check, old, new, message):
    with pytest.raises(InputError, match=f"(?s){message}"):
        check((old, new))


def test_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.cfg: no such file"):
        check_training(tmp_path / "none.cfg", tmp_path, LABELS)
    (tmp_path / "student.cfg").write_text(CONFIG)
    with pytest.raises(InputError, match=r"train\.spacy: no such file"):
        check_training(tmp_path / "student.cfg", tmp_path, LABELS)
