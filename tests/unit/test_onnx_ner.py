import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import spacy
import torch
from spacy.training import Example
from tiny_encoder import TEXTS, make_encoder

import clinical_distilled.student.factory  # noqa: F401
from clinical_distilled.corpora.docs import write_docs
from clinical_distilled.errors import InputError
from clinical_distilled.runtime.onnx_ner import OnnxNER
from clinical_distilled.student.export import Precision, to_onnx
from clinical_distilled.student.network import collate
from clinical_distilled.student.optimize import optimize

NOTES = ["", *TEXTS, " ".join(TEXTS) * 6, "\n\n", "chest pain", "\u200b", "fever \x00 cough\r\n- nausea"]
MARKS = {
    "diabetes": "DISEASE",
    "COPD": "DISEASE",
    "chest pain": "SYMPTOM",
    "nausea": "SYMPTOM",
    "metformin": "MEDICATION",
}


def annotate(nlp, text):
    doc = nlp.make_doc(text)
    found = [(text.index(name), name, label) for name, label in MARKS.items() if name in text]
    doc.ents = [doc.char_span(at, at + len(name), label=label) for at, name, label in found]
    doc.user_data["doc_id"] = text[:12]
    return doc


def entities(doc):
    return [(ent.start_char, ent.end_char, ent.label_, ent._.confidence) for ent in doc.ents]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("trained")
    (folder / "core_medication.tsv").write_text("name\tsynonyms\nmetformin\t\n")
    nlp = spacy.blank("en")
    config = {"window": 40, "overlap": 8, "learn_rate": 1e-3, "head_learn_rate": 5e-3}
    pipe = nlp.add_pipe("distilled_ner", config={"encoder": make_encoder(folder / "encoder"), **config})
    examples = [Example(nlp.make_doc(text), annotate(nlp, text)) for text in TEXTS]
    pipe.initialize(lambda: examples, nlp=nlp, terms=str(folder / "core_medication.tsv"), epochs=40)
    for _ in range(40):
        nlp.update(examples, sgd=nlp.create_optimizer())
    return nlp


@pytest.fixture(scope="module")
def packaged(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packaged")
    trained.to_disk(folder / "model-best")
    write_docs([annotate(trained, text) for text in TEXTS], folder / "dev.spacy")
    optimize(folder / "model-best", folder / "packaged", folder / "dev.spacy", folder / "optimize.json")
    return folder / "packaged"


@pytest.fixture
def nlp(packaged):
    return spacy.load(packaged)


def test_the_float_graph_computes_what_torch_does(trained):
    pipe = trained.get_pipe("distilled_ner")
    ready = to_onnx(pipe, trained.vocab, Precision.FLOAT)
    docs = [trained.make_doc(text) for text in NOTES]
    for reading, scores in ready.predict(docs):
        expected = np.zeros_like(scores)
        for window in reading.windows:
            batch = collate([pipe.reader.input(reading, window)], torch.device("cpu"))
            with torch.no_grad():
                expected[window.keep_start : window.keep_end] = pipe.network.score(batch).numpy()
        np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_the_packaged_pipeline_finds_what_the_trained_one_does(trained, nlp):
    assert nlp.pipe_names == ["distilled_ner"]
    assert isinstance(nlp.get_pipe("distilled_ner"), OnnxNER)
    for text in TEXTS:
        assert [e[:3] for e in entities(nlp(text))] == [e[:3] for e in entities(trained(text))]
        assert entities(nlp(text))


def test_the_graph_says_nothing_of_the_machine(packaged):
    graph = (packaged / "distilled_ner" / "model.onnx").read_bytes()
    assert b"site-packages" not in graph
    assert b".py" not in graph


@pytest.mark.parametrize("batch_size", [1, 3, 64])
@pytest.mark.parametrize("threads", [1, 2])
def test_company_and_threads_change_nothing(nlp, batch_size, threads):
    alone = [entities(nlp(text)) for text in NOTES]
    nlp.get_pipe("distilled_ner").threads = threads
    assert [entities(doc) for doc in nlp.pipe(NOTES, batch_size=batch_size)] == alone
    assert [entities(doc) for doc in nlp.pipe(NOTES[::-1], batch_size=batch_size)] == alone[::-1]


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_processes_give_the_same(nlp, method):
    alone = [entities(doc) for doc in nlp.pipe(NOTES)]  # the parent's threads are there before it forks
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method(method, force=True)
    try:
        assert [entities(doc) for doc in nlp.pipe(NOTES, n_process=2, batch_size=2)] == alone
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_threads_may_share_a_pipeline(nlp):
    alone = [entities(nlp(text)) for text in NOTES]
    with ThreadPoolExecutor(4) as pool:
        assert [entities(doc) for doc in pool.map(nlp, NOTES * 5)] == alone * 5


def test_bytes_and_folders_bring_it_back(nlp, tmp_path):
    nlp.to_disk(tmp_path)
    pipe = nlp.get_pipe("distilled_ner")
    for copy in (spacy.load(tmp_path).get_pipe("distilled_ner"), OnnxNER(nlp.vocab).from_bytes(pipe.to_bytes())):
        assert copy.to_bytes() == pipe.to_bytes()
        assert entities(copy(nlp.make_doc(TEXTS[1]))) == entities(nlp(TEXTS[1]))


@pytest.mark.parametrize(("found", "advice"), [(99, "newer version"), (0, "build it anew"), (None, "build it anew")])
def test_another_format_is_named_with_what_to_do(nlp, found, advice):
    parts = {**nlp.get_pipe("distilled_ner")._to_parts(), "model.json": f'{{"format": {found or "null"}}}'.encode()}
    with pytest.raises(ValueError, match=advice):
        OnnxNER(nlp.vocab)._from_parts(parts)


def test_rulers_before_and_behind_it_compose(nlp):
    first = nlp.add_pipe("entity_ruler", before="distilled_ner", name="first")
    first.add_patterns([{"label": "FOOD", "pattern": "metformin"}])
    last = nlp.add_pipe("entity_ruler", name="last")
    last.add_patterns([{"label": "TIME", "pattern": "daily"}])
    nlp.add_pipe("sentencizer", first=True)
    labels = {ent.text: ent.label_ for ent in nlp(TEXTS[0]).ents}
    assert labels["metformin"] == "FOOD"
    assert labels["daily"] == "TIME"
    assert labels["diabetes"] == "DISEASE"


def test_an_empty_component_says_so():
    nlp = spacy.blank("en")
    nlp.add_pipe("onnx_ner")
    with pytest.raises(ValueError, match="no model"):
        nlp("text")


def test_a_pipeline_without_a_student_is_packaged_as_it_is(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "model-best")
    optimize(tmp_path / "model-best", tmp_path / "packaged", tmp_path / "dev.spacy", tmp_path / "optimize.json")
    assert spacy.load(tmp_path / "packaged").pipe_names == ["sentencizer"]


def test_a_missing_pipeline_is_named(tmp_path):
    with pytest.raises(InputError, match="model-best"):
        optimize(tmp_path / "model-best", tmp_path / "packaged", tmp_path / "dev.spacy", tmp_path / "optimize.json")
