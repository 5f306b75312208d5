import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from spacy.training import Example
from tiny_encoder import TEXTS, make_encoder

import clinical_distilled.student.factory  # noqa: F401
from clinical_distilled.errors import InputError
from clinical_distilled.student.component import DistilledNER
from clinical_distilled.terminology.matching import load_matcher  # noqa: F401

MARKS = {
    "diabetes": "DISEASE",
    "hypertension": "DISEASE",
    "COPD": "DISEASE",
    "chest pain": "SYMPTOM",
    "nausea": "SYMPTOM",
    "bad headache": "SYMPTOM",
    "fever": "SYMPTOM",
    "metformin": "MEDICATION",
    "Aspirin": "MEDICATION",
    "tiotropium": "MEDICATION",
}
TERMS = "name\tsynonyms\nmetformin\t\naspirin\tASA\n"


def annotate(nlp, text):
    doc = nlp.make_doc(text)
    doc.ents = [
        doc.char_span(text.index(name), text.index(name) + len(name), label=label)
        for name, label in MARKS.items()
        if name in text
    ]
    return doc


def entities(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def make(folder, **settings):
    torch.manual_seed(0)
    nlp = spacy.blank("en")
    rates = {"learn_rate": 1e-3, "head_learn_rate": 5e-3}
    encoder = str(folder / "encoder") if (folder / "encoder").exists() else make_encoder(folder / "encoder")
    config = {"encoder": encoder, "window": 40, "overlap": 8, **rates, **settings}
    nlp.add_pipe("distilled_ner", config=config)
    return nlp


def train(nlp, folder, steps=40):
    examples = [Example(nlp.make_doc(text), annotate(nlp, text)) for text in TEXTS]
    (folder / "core_medication.tsv").write_text(TERMS)
    pipe = nlp.get_pipe("distilled_ner")
    pipe.initialize(lambda: examples, nlp=nlp, terms=str(folder / "core_medication.tsv"), epochs=steps, batch_size=3)
    return [nlp.update(examples, sgd=nlp.create_optimizer(), drop=0.0)["distilled_ner"] for _ in range(steps)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    nlp = make(folder)
    losses = train(nlp, folder)
    assert losses[-1] < losses[0] / 5
    return nlp


def test_it_learns_what_it_is_shown(trained):
    for text in TEXTS:
        assert entities(trained(text)) == entities(annotate(trained, text))


def test_every_entity_has_a_probability(trained):
    for ent in trained(TEXTS[0]).ents:
        assert 0 < ent._.confidence <= 1


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u200b", "\u0301", "\x00", "a" * 5000, "👩‍⚕️ " * 3])
def test_odd_texts_do_not_stop_it(trained, text):
    assert trained(text).text == text


def test_a_long_note_is_read_to_its_end(trained):
    doc = trained((TEXTS[0] + " ") * 60)
    ends = [ent.end for ent in doc.ents]
    assert ends[0] < 20
    assert ends[-1] > len(doc) - 20


def test_documents_together_give_what_each_gives_alone(trained):
    texts = ["", *TEXTS, TEXTS[1] * 9]
    assert [entities(doc) for doc in trained.pipe(texts)] == [entities(trained(text)) for text in texts]


def test_bytes_and_folders_bring_it_back(trained, tmp_path):
    trained.to_disk(tmp_path / "one")
    loaded = spacy.load(tmp_path / "one")
    loaded.to_disk(tmp_path / "two")
    copy = spacy.blank("en")
    copy.add_pipe("distilled_ner")
    copy.get_pipe("distilled_ner").from_bytes(trained.get_pipe("distilled_ner").to_bytes())

    for nlp in (loaded, copy):
        assert entities(nlp(TEXTS[1])) == entities(trained(TEXTS[1]))
    assert trained.get_pipe("distilled_ner").to_bytes() == copy.get_pipe("distilled_ner").to_bytes()
    for file in (tmp_path / "one" / "distilled_ner").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / "distilled_ner" / file.name).read_bytes()
    assert sorted(file.name for file in (tmp_path / "one" / "distilled_ner").iterdir()) == [
        "model.json",
        "reading.json",
        "terms.bin",
        "tokenizer.json",
        "weights.safetensors",
    ]


def test_a_newer_format_is_named(trained):
    pipe = trained.get_pipe("distilled_ner")
    parts = {**pipe._to_parts(), "model.json": b'{"format": 99}'}
    with pytest.raises(InputError, match="format 99"):
        DistilledNER(trained.vocab, "distilled_ner", pipe.settings)._from_parts(parts)


def test_entities_found_before_it_stay(trained):
    ruler = trained.add_pipe("entity_ruler", before="distilled_ner")
    ruler.add_patterns([{"label": "DRUG", "pattern": "takes metformin"}])
    try:
        found = entities(trained(TEXTS[0]))
    finally:
        trained.remove_pipe("entity_ruler")
    assert ("takes metformin", "DRUG") in found
    assert ("metformin", "MEDICATION") not in found
    assert ("diabetes", "DISEASE") in found


def test_it_works_without_the_terminology(trained):
    pipe = trained.get_pipe("distilled_ner")
    without = DistilledNER(trained.vocab, "distilled_ner", pipe.settings)
    parts = pipe._to_parts()
    del parts["terms.bin"]
    without._from_parts(parts)
    assert ("diabetes", "DISEASE") in entities(without(trained.make_doc(TEXTS[0])))


def test_the_same_seed_gives_the_same_weights(tmp_path):
    results = []
    for _ in range(2):
        nlp = make(tmp_path)
        spacy.util.fix_random_seed(7)
        train(nlp, tmp_path, steps=3)
        results.append(nlp.get_pipe("distilled_ner").to_bytes())
    assert results[0] == results[1]


def test_a_label_the_annotation_does_not_cover_is_not_unlearned(tmp_path):
    nlp = make(tmp_path)
    doc = annotate(nlp, TEXTS[0])
    doc.ents = [ent for ent in doc.ents if ent.label_ != "MEDICATION"]
    doc.user_data["unknown_labels"] = ["MEDICATION"]
    example = Example(nlp.make_doc(TEXTS[0]), doc)
    pipe = nlp.get_pipe("distilled_ner")
    pipe.initialize(lambda: [example], labels=["DISEASE", "MEDICATION"], epochs=30)
    medication = slice(3, 5)

    def share():
        ((_, scores),) = pipe.predict([nlp.make_doc(TEXTS[0])])
        p = np.exp(scores - scores.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return (p[:, medication].sum(1) / (p[:, 0] + p[:, medication].sum(1)))[0]

    before = share()
    for _ in range(30):
        nlp.update([example], sgd=nlp.create_optimizer())
    assert share() > before / 2  # of "Patient": nothing was said about it


def test_votes_pull_the_probabilities_towards_them(tmp_path):
    results = {}
    for weight in (0.0, 1.0):
        (tmp_path / str(weight)).mkdir()
        nlp = make(tmp_path / str(weight), soft_weight=weight)
        doc = annotate(nlp, TEXTS[0])
        span = next(ent for ent in doc.ents if ent.text == "diabetes")
        doc.spans["votes"] = spacy.tokens.SpanGroup(doc, name="votes", spans=[span], attrs={"mass": [{"DISEASE": 0.5}]})
        pipe = nlp.get_pipe("distilled_ner")
        pipe.initialize(lambda doc=doc, nlp=nlp: [Example(nlp.make_doc(doc.text), doc)], epochs=60)
        for _ in range(60):
            nlp.update([Example(nlp.make_doc(doc.text), doc)], sgd=nlp.create_optimizer())
        ((_, scores),) = pipe.predict([nlp.make_doc(doc.text)])
        p = np.exp(scores[span.start] - scores[span.start].max())
        results[weight] = (p / p.sum())[1]
    assert results[0.0] > 0.9
    assert 0.3 < results[1.0] < 0.7


def test_what_cannot_be_trained_is_said(tmp_path):
    nlp = make(tmp_path)
    pipe = nlp.get_pipe("distilled_ner")
    example = Example(nlp.make_doc("fine"), nlp.make_doc("fine"))
    with pytest.raises(InputError, match="no entities"):
        pipe.initialize(lambda: [example])
    with pytest.raises(InputError, match="not trained"):
        nlp("text")
    wide = make(tmp_path, window=500).get_pipe("distilled_ner")
    with pytest.raises(InputError, match="window"):
        wide.initialize(lambda: [example], labels=["DISEASE"])


def test_empty_documents_can_be_in_a_batch(trained):
    empty = Doc(trained.vocab)
    pipe = trained.get_pipe("distilled_ner")
    assert pipe.update([Example(Doc(trained.vocab), empty)])["distilled_ner"] == 0
