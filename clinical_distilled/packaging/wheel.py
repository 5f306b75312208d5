"""From a pipeline directory to a wheel that needs nothing of this repository.

``spacy package`` lays the folder out. To it come a copy of ``clinical_distilled/runtime``, where the pipeline runs on
it, and the entry points that let spaCy find its components.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spacy
import srsly
from packaging.requirements import Requirement
from spacy.cli.package import package
from spacy.language import Language
from spacy.util import registry
from thinc.api import Config

from clinical_distilled import runtime
from clinical_distilled.errors import InputError
from clinical_distilled.files import atomic_path
from clinical_distilled.packaging.meta import DISTRIBUTION, our_requirement
from clinical_distilled.packaging.rendering import render
from clinical_distilled.runtime.registration import factory_name

LIBRARY = runtime.__name__.partition(".")[0]
RUNTIME_NEEDS = ("spacy", "numpy", "onnxruntime", "tokenizers")  # see the import contract of `runtime`
_EPOCH = "315532800"  # 1980-01-01: the same content gives the same bytes


def build_wheel(pipeline: Path, meta: Mapping[str, Any], documents: Mapping[str, str], output: Path) -> Path:
    """Build the wheel of a pipeline; a wheel that is there stays until the new one is complete.

    Parameters
    ----------
    pipeline
        A spaCy pipeline directory.
    meta
        Its new ``meta.json``. The requirements are found here: `RUNTIME_NEEDS` if it runs on our runtime, and the
        libraries of all other components.
    documents
        File name -> text of what stands beside it: ``README.md``, ``LICENSE``, ``LICENSES_SOURCES``.
    output
        Folder for the wheel.

    Returns
    -------
    Path
        ``<output>/<lang>_<name>-<version>-py3-none-any.whl``.

    Raises
    ------
    InputError
        If the name is not one a package can have, a component runs on code that a package cannot bring, or
        the build fails.
    """
    full_name = f"{meta['lang']}_{meta['name']}"
    if not full_name.isidentifier() or "__" in full_name:
        raise InputError(f"{meta['name']!r} cannot be the name of a package: use letters, digits and single _.")
    factories = runtime_factories(spacy.load(pipeline))
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".build-", dir=output) as scratch:
        folder = _lay_out(pipeline, meta, documents, Path(scratch))
        module = folder / full_name
        _finish_meta(folder, module / folder.name, vendored=bool(factories))
        _vendor(module, factories)
        _write_project(folder, full_name, factories)
        built = _run_build(folder)
        wheel = output / built.name
        with atomic_path(wheel) as temporary:
            shutil.copyfile(built, temporary)
    return wheel


def runtime_factories(nlp: Language) -> dict[str, str]:
    """Return the factories of a pipeline that live in our runtime: name -> ``module:function`` below ``runtime``.

    Raises
    ------
    InputError
        If a component lives elsewhere in this library: a package cannot bring that.
    """
    found = {}
    for component, name in nlp.pipe_factories.items():
        function = registry.factories.get(name if name in registry.factories else f"{nlp.lang}.{name}")
        module = function.__module__
        if module.startswith(f"{runtime.__name__}."):
            found[name] = f"{module.removeprefix(f'{runtime.__name__}.')}:{function.__qualname__}"
        elif module.partition(".")[0] == LIBRARY:
            raise InputError(
                f"Component {component!r} ({name}) needs this library to run. "
                "Make the pipeline for use first: `spacy project run optimize`."
            )
    return found


def _lay_out(pipeline: Path, meta: Mapping[str, Any], documents: Mapping[str, str], scratch: Path) -> Path:
    """Let spaCy make the package folder of a copy of the pipeline that has our meta and documents."""
    staged, out = scratch / "pipeline", scratch / "out"
    shutil.copytree(pipeline, staged)
    srsly.write_json(staged / "meta.json", dict(meta))
    for name, text in documents.items():
        (staged / name).write_text(text, encoding="utf-8")
    out.mkdir()
    package(staged, out, create_sdist=False, silent=True)
    (folder,) = out.iterdir()
    _forget_words(folder / f"{meta['lang']}_{meta['name']}" / folder.name, meta)
    for name in ("setup.py", "MANIFEST.in"):  # they know nothing of subpackages: pyproject.toml takes their place
        (folder / name).unlink()
    return folder


def _forget_words(data: Path, meta: Mapping[str, Any]) -> None:
    """Leave in the vocabulary only what the language itself and the labels bring.

    spaCy saves every word it has met, so the words of the training notes: names of patients with them. No component
    needs them; they are looked up by hash.
    """
    labels = {label for labels in meta["labels"].values() for label in labels}
    srsly.write_json(data / "vocab" / "strings.json", sorted({*spacy.blank(meta["lang"]).vocab.strings, *labels}))


def _finish_meta(folder: Path, data: Path, *, vendored: bool) -> None:
    """Set what spaCy found out of the requirements, less this library, plus what its runtime needs."""
    meta = srsly.read_json(folder / "meta.json")
    needs = [need for need in meta["requirements"] if Requirement(need).name.replace("_", "-") != DISTRIBUTION]
    own = [str(our_requirement(name)) for name in (RUNTIME_NEEDS if vendored else RUNTIME_NEEDS[:1])]
    meta["requirements"] = own + [need for need in needs if Requirement(need).name not in RUNTIME_NEEDS]
    for place in (folder, data, data.parent):
        srsly.write_json(place / "meta.json", meta)


def _vendor(module: Path, factories: Mapping[str, str]) -> None:
    """Copy the runtime into the package and let config and ``__init__`` know its factories."""
    modules = sorted({target.partition(":")[0] for target in factories.values()})
    (module / "__init__.py").write_text(render("init.py", modules=modules))
    if not factories:
        return
    source = Path(runtime.__file__).parent
    shutil.copytree(source, module / "runtime", ignore=shutil.ignore_patterns("__pycache__"))
    for path in module.glob("*/config.cfg"):
        config = Config().from_disk(path, interpolate=False)
        for component in config["components"].values():
            if component.get("factory") in factories:
                component["factory"] = factory_name(component["factory"], module.name)
        config.to_disk(path)


def _write_project(folder: Path, full_name: str, factories: Mapping[str, str]) -> None:
    text = render(
        "pyproject.toml",
        name=full_name,
        meta=srsly.read_json(folder / "meta.json"),
        python=metadata(DISTRIBUTION)["Requires-Python"],
        licenses=[path.name for path in sorted(folder.glob("LICENSE*"))],
        packages=[full_name, *([f"{full_name}.runtime"] if factories else [])],
        factories={
            factory_name(name, full_name): f"{full_name}.runtime.{target}" for name, target in factories.items()
        },
        # A JSON string is a TOML string.
        toml=lambda value: json.dumps(value, ensure_ascii=False),
    )
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def _run_build(folder: Path) -> Path:
    """Build with what this environment has, so that no index is needed."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
    )
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise InputError(f"The wheel could not be built:\n{last}\nIs the extra [package] installed?")
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel
