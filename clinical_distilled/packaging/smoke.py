"""The smoke test: a wheel in an empty environment does what the pipeline directory does here, and composes."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

from packaging.requirements import Requirement
from spacy.language import Language
from spacy.tokens import Doc
from wasabi import msg

from clinical_distilled.corpora.docs import doc_id
from clinical_distilled.errors import InputError
from clinical_distilled.files import file_sha256
from clinical_distilled.packaging import smoke_checks
from clinical_distilled.packaging.environments import Libraries, check, clean_variables, install, prepare, read_pins

ALONE, COMPANIONS = "alone", "companions"  # names of the environments and of their checks in `smoke_checks`
# scispaCy asks for numpy < 2 and for an index library that its abbreviation detector does not use.
NEGSPACY, SCISPACY, NUMPY = "negspacy==1.1.0", "scispacy==0.6.2", "numpy==1.26.4"


@dataclass(frozen=True)
class Wheel:
    """A wheel and what its metadata says.

    Attributes
    ----------
    path : Path
    package : str
        Name of what is imported and loaded.
    requirements : tuple of str
    """

    path: Path
    package: str
    requirements: tuple[str, ...]

    @property
    def needs_torch(self) -> bool:
        """Whether it asks for torch, itself or by spacy-transformers."""
        return any(Requirement(need).name in ("torch", "spacy-transformers") for need in self.requirements)


def read_wheel(path: Path) -> Wheel:
    """Read a wheel's metadata.

    Raises
    ------
    InputError
        If it is missing or not a wheel.
    """
    try:
        with ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            found = message_from_bytes(archive.read(name))
    except FileNotFoundError:
        raise InputError(f"{path}: no such wheel. Run the step `package` first.") from None
    except (BadZipFile, StopIteration):
        raise InputError(f"{path}: not a wheel. Run the step `package` again.") from None
    return Wheel(path, found["Name"].replace("-", "_"), tuple(found.get_all("Requires-Dist", [])))


def smoke(wheel: Wheel, nlp: Language, docs: Sequence[Doc], lock: Path, workplace: Path) -> dict[str, Any]:
    """Install a wheel into empty environments and check it there.

    Parameters
    ----------
    wheel
        The wheel.
    nlp
        The pipeline that was packaged.
    docs
        Notes on which both have to find the same.
    lock
        Requirements file whose pins the environments get.
    workplace
        Folder for the environments; they are used again while the pins are the same.

    Returns
    -------
    dict
        What goes to ``metrics/smoke.json``: the wheel, and for each environment facts and seconds of each check.

    Raises
    ------
    InputError
        If something cannot be installed, or a check fails; names the checks.
    """
    environments = {
        ALONE: Libraries(wheel.requirements, pins=read_pins(lock)),
        COMPANIONS: Libraries(
            (*wheel.requirements, NEGSPACY, NUMPY), alone=(SCISPACY,), pins=read_pins(lock, leave_out=("numpy",))
        ),
    }
    workplace = workplace.resolve()  # programs are started in other folders
    workplace.mkdir(parents=True, exist_ok=True)
    results = {}
    with TemporaryDirectory(prefix="expected-", dir=workplace) as folder:
        expected = Path(folder) / "expected.json"
        expected.write_text(json.dumps(expected_of(wheel, nlp, docs)), encoding="utf-8")
        for name, libraries in environments.items():
            python = prepare(workplace / name, libraries)
            install(python, ["--no-index", "--no-deps", "--force-reinstall", str(wheel.path)])
            if not libraries.alone:
                check(python)
            results[name] = run_checks(python, wheel.package, expected, name)
    failures = {f"{name}/{check}": why for name, result in results.items() for check, why in result["failures"].items()}
    if failures:
        raise InputError("Smoke test failed: " + "; ".join(f"{check}: {why}" for check, why in failures.items()))
    return {
        "wheel": {"file": wheel.path.name, "bytes": wheel.path.stat().st_size, "sha256": file_sha256(wheel.path)},
        "python": sys.version.split()[0],
        "environments": {
            name: {key: value for key, value in found.items() if key != "failures"} for name, found in results.items()
        },
    }


def expected_of(wheel: Wheel, nlp: Language, docs: Sequence[Doc]) -> dict[str, Any]:
    """Return what `smoke_checks` has to know: the notes with the entities that `nlp` finds in them."""
    found = zip(docs, nlp.pipe(doc.text for doc in docs), strict=True)
    notes = [{"id": doc_id(doc), "text": doc.text, "entities": smoke_checks.entities_of(here)} for doc, here in found]
    return {"notes": notes, "needs_torch": wheel.needs_torch}


def run_checks(python: Path, package: str, expected: Path, group: str) -> dict[str, Any]:
    """Run a group of checks in an environment, away from the repository, and print each as it ends.

    Returns
    -------
    dict
        ``{"facts": {name: value}, "checks": {name: seconds}, "failures": {name: why}}``.
    """
    program = Path(smoke_checks.__file__)
    result: dict[str, Any] = {"facts": {}, "checks": {}, "failures": {}}
    command = [str(python), "-I", "-W", "ignore", str(program), package, str(expected.resolve()), group]
    msg.divider(f"environment: {group}")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=python.parent, env=clean_variables(), bufsize=1
    )
    for line in process.stdout or ():
        if not line.startswith("{"):  # a library's own message
            continue
        said = json.loads(line)
        if "fact" in said:
            result["facts"][said["fact"]] = said["value"]
            continue
        result["checks"][said["check"]] = said["seconds"]
        if said["failure"]:
            result["failures"][said["check"]] = said["failure"]
        msg.text(f"{said['check']}: {said['failure'] or 'passed'}", color="red" if said["failure"] else "green")
    if process.wait() and not result["failures"]:
        last = next(reversed(result["checks"]), "start")
        result["failures"]["program"] = f"ended with code {process.returncode} after {last!r}"
    return result
