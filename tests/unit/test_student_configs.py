from pathlib import Path

import pytest
import spacy
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from tiny_encoder import TEXTS, make_encoder

import clinical_distilled.student.factory  # noqa: F401
from clinical_distilled.corpora.docs import write_docs

CONFIGS = Path(__file__).parents[2] / "configs" / "student"


@pytest.fixture
def corpus(tmp_path):
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in TEXTS]
    for position, (doc, name) in enumerate(zip(docs, ("diabetes", "nausea", "tiotropium"), strict=True)):
        at = doc.text.index(name)
        doc.ents = [doc.char_span(at, at + len(name), label="DISEASE")]
        doc.user_data["doc_id"] = str(position)
    write_docs(docs, tmp_path / "docs.spacy")
    (tmp_path / "core_disease.tsv").write_text("name\tsynonyms\ndiabetes\t\n")
    return tmp_path


def run(name, corpus, overrides):
    docs = str(corpus / "docs.spacy")
    steps = {"training.max_epochs": 2, "training.eval_frequency": 1, "system.gpu_allocator": None}
    settings = {"paths.train": docs, "paths.dev": docs, **steps, **overrides}
    config = spacy.util.load_config(CONFIGS / name, overrides=settings)
    nlp = init_nlp(config)
    (corpus / "out").mkdir()
    train(nlp, corpus / "out")
    return spacy.load(corpus / "out" / "model-best")


def test_the_cpu_config_trains(corpus):
    encoder = make_encoder(corpus / "encoder")
    settings = {
        "vars.encoder": encoder,
        "components.distilled_ner.window": 40,
        "components.distilled_ner.overlap": 8,
    }
    nlp = run("cpu.cfg", corpus, {**settings, "paths.terms": str(corpus)})
    assert nlp.get_pipe("distilled_ner").labels == ("DISEASE",)
    assert nlp.meta["performance"]["ents_f"] is not None


def test_the_gpu_config_trains_where_there_is_no_gpu(corpus):
    pytest.importorskip("spacy_transformers", reason="the GPU config needs the extra trf")
    model = "components.transformer.model"
    nlp = run("gpu.cfg", corpus, {"vars.encoder": make_encoder(corpus / "encoder"), f"{model}.mixed_precision": False})
    assert nlp.pipe_names == ["transformer", "ner"]
    assert nlp.get_pipe("ner").labels == ("DISEASE",)


def test_no_batch_is_dropped():
    for config in CONFIGS.glob("*.cfg"):
        assert spacy.util.load_config(config)["training"]["batcher"].get("discard_oversize", False) is False
        assert "padded" not in spacy.util.load_config(config)["training"]["batcher"]["@batchers"]
