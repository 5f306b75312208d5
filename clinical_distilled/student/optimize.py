"""Optimize: a trained pipeline as the one that is packaged, `onnx_ner` in the place of `distilled_ner`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from spacy.language import Language
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example
from wasabi import msg

from clinical_distilled.corpora.docs import read_docs
from clinical_distilled.errors import InputError
from clinical_distilled.files import write_json
from clinical_distilled.runtime.onnx_ner import OnnxNER
from clinical_distilled.runtime.tags import log_softmax
from clinical_distilled.student.component import DistilledNER
from clinical_distilled.student.export import Precision, to_onnx

MAX_LOSS = 0.005  # of strict F1 on dev, for a graph that is four times smaller


def optimize(trained: Path, packaged: Path, dev: Path, metrics: Path) -> None:
    """Write the packaged pipeline and what it lost.

    A pipeline without a `distilled_ner` is copied as it is.

    Parameters
    ----------
    trained
        Folder of a pipeline (``model-best``).
    packaged
        Folder to write; replaced only by a whole one.
    dev
        DocBin whose ``doc.ents`` the scores are taken against.
    metrics
        JSON file: size, strict F1 on dev of the trained and the packaged component, greatest difference between
        their probabilities.

    Raises
    ------
    InputError
        If there is no trained pipeline.
    """
    if not (trained / "config.cfg").exists():
        raise InputError(f"{trained}: no trained pipeline. Run the train step first.")
    nlp = spacy.load(trained)
    name = next((name for name, pipe in nlp.pipeline if isinstance(pipe, DistilledNER)), None)
    if name is None:
        msg.info(f"{trained}: no distilled_ner in {nlp.pipe_names}, so it is packaged as it is.")
        facts: dict[str, Any] = {"precision": None}
    else:
        facts = _replace(nlp, name, read_docs(dev, nlp.vocab))
    _write(nlp, packaged)
    facts["bytes"] = sum(file.stat().st_size for file in packaged.rglob("*") if file.is_file())
    write_json(metrics, facts)
    msg.good(f"{packaged}: {facts['bytes'] / 1e6:.1f} MB")


def _replace(nlp: Language, name: str, dev: Sequence[Doc]) -> dict[str, Any]:
    trained = nlp.get_pipe(name)
    assert isinstance(trained, DistilledNER)
    before, trained_scores = _evaluate(trained, dev)
    tried: list[dict[str, Any]] = []
    for precision in Precision:
        ready = to_onnx(trained, nlp.vocab, precision)
        after, scores = _evaluate(ready, dev)
        difference = max(
            (float(np.abs(a - b).max()) for a, b in zip(trained_scores, scores, strict=True) if a.size), default=0.0
        )
        tried.append({"precision": precision.value, "f": after, "max_probability_difference": difference})
        msg.info(f"{name}: strict F1 on dev {before:.4f} in torch, {after:.4f} in {precision.value}")
        if before - after <= MAX_LOSS:
            break
        msg.warn(f"{precision.value} loses more than {MAX_LOSS}; trying the next precision")
    index = nlp.pipe_names.index(name)
    nlp.remove_pipe(name)
    # The component is a part of the packaged pipeline under the name it was trained as.
    nlp.add_pipe("onnx_ner", name=name, before=nlp.pipe_names[index] if index < len(nlp.pipe_names) else None)
    nlp.get_pipe(name).from_bytes(ready.to_bytes())  # type: ignore[attr-defined]
    return {"precision": tried[-1]["precision"], "trained_f": before, "packaged_f": tried[-1]["f"], "tried": tried}


def _evaluate(pipe: DistilledNER | OnnxNER, docs: Sequence[Doc]) -> tuple[float, list[np.ndarray]]:
    """Return strict F1 and the probabilities of the read tokens of each document."""
    examples = []
    probabilities = []
    for batch in spacy.util.minibatch(docs, 64):
        copies = [
            Doc(pipe.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc]) for doc in batch
        ]
        probabilities += [np.exp(log_softmax(scores)) if len(scores) else scores for _, scores in pipe.predict(copies)]
        examples += [Example(copy, doc) for copy, doc in zip(pipe.pipe(copies), batch, strict=True)]
    return float(get_ner_prf(examples)["ents_f"] or 0.0), probabilities


def _bare(doc: Doc) -> Doc:
    return Doc(doc.vocab, words=[token.text for token in doc], spaces=[bool(token.whitespace_) for token in doc])


def _difference(before: Sequence[np.ndarray], after: Sequence[np.ndarray]) -> float:
    pairs = zip(before, after, strict=True)
    return max((float(np.abs(left - right).max()) for left, right in pairs if left.size), default=0.0)


def _write(nlp: Language, folder: Path) -> None:
    """Write a pipeline beside `folder`, then let it take its place."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
        fresh = Path(temporary) / "new"
        nlp.to_disk(fresh)
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        fresh.rename(folder)
