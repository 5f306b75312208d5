"""A project as the steps before `package` leave it: a pipeline with a tiny model, documents, scores, a choice."""

import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import onnx
import spacy
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import WhitespaceSplit

from clinical_distilled.corpora.docs import SPLITS, write_docs
from clinical_distilled.corpora.mentions import set_group
from clinical_distilled.files import folder_sha256
from clinical_distilled.runtime import onnx_ner  # noqa: F401  registers the component
from clinical_distilled.runtime.inputs import Reader, ReadingSettings
from clinical_distilled.runtime.wordpieces import WordPieces

LABELS = ("DISEASE", "MEDICATION", "SYMPTOM")
TAGS = {"chest": 5, "pain": 6, "fever": 5, "aspirin": 3, "asthma": 1}  # B and I tags of the labels: see runtime.tags
TEXTS = ("Chest pain. No chest pain on aspirin.", "", "Mrs Quillfeather:\n\nasthma, fever.")
ROW = {"p": 0.9, "r": 0.8, "f": 0.85, "ci": [0.8, 0.9]}
SCORES = {measure: {"micro": ROW, "SYMPTOM": ROW} for measure in ("strict", "overlap", "token")}


def pipeline(folder):
    """Save a pipeline whose `onnx_ner` knows five words."""
    nlp = spacy.blank("en")
    words = WordPieces(tokenizer().to_str())
    nlp.add_pipe("onnx_ner", "ner").load(graph(), Reader(words, ReadingSettings(64, 16)), LABELS)
    list(nlp.pipe(TEXTS))  # as training does: the vocabulary meets the words of the notes
    nlp.meta["performance"] = {"ents_f": 0.99, "ner_loss": 1.5}
    nlp.to_disk(folder)
    return nlp


def tokenizer():
    vocab = {"[UNK]": 0, "a": 1, **{word: number for number, word in enumerate(TAGS, start=2)}}
    made = Tokenizer(WordLevel(vocab, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = Lowercase(), WhitespaceSplit()
    return made


def graph():
    """Return an ONNX model that looks the tag of each piece up."""
    table = np.zeros((2 + len(TAGS), 1 + 2 * len(LABELS)), dtype=np.float32)
    table[range(len(table)), [0, 0, *TAGS.values()]] = 9
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Gather", ["table", "ids"], ["logits"])],
            "tags",
            [
                onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, [1, "n"]),
                onnx.helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, [1, "n", "f"]),
            ],
            [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, "n", table.shape[1]])],
            [onnx.numpy_helper.from_array(table, "table")],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=9,
    )
    return model.SerializeToString()


def project(root: Path, *, reference=True):
    folder = root / "packaged"
    root.mkdir(exist_ok=True)
    nlp = pipeline(folder)
    for split in SPLITS:
        docs = [nlp(text) for text in TEXTS]
        for number, doc in enumerate(docs):
            doc.user_data["doc_id"] = f"{split}-{number}"
            for group in ("llm_guided", "ontology", *(["reference"] if reference else [])):
                set_group(doc, group, list(doc.ents))
        write_docs(docs, root / "combined" / f"{split}.spacy")
    scores = {"test": {"llm_guided": SCORES, "combined": SCORES, "student": SCORES}}
    if not reference:
        scores = {"test_agreement": {"student": SCORES}}
    choice = {"SYMPTOM": {"rule": "union", "teachers": ["llm_guided", "ontology"], "dev": ROW}}
    write(root / "metrics/evaluation.json", {**scores, "about": {"pipeline_sha256": folder_sha256(folder)}})
    write(root / "metrics/combine.json", {"choice": choice})
    return root


def write(path: Path, value):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))


def bare_python(folder: Path, wheel: Path) -> Path:
    """Make an environment that has this one's libraries and a wheel, but neither this project nor torch; no network."""
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", "--without-pip", str(folder)], check=True)
    libraries, installed = folder / "libraries", folder / "installed"
    libraries.mkdir()
    left_out = re.compile(
        r"(__editable__|(en_)?clinical_distilled|torch|functorch|spacy_transformers|spacy_llm)|.*\.pth$"
    )
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not left_out.match(path.name):
            (libraries / path.name).symlink_to(path)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(installed)]
    subprocess.run([*install, str(wheel)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "all.pth").write_text(f"{libraries}\n{installed}\n")
    return folder / "bin" / "python"
