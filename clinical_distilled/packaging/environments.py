"""Empty virtual environments with pinned libraries, kept and used again while the pins are the same."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from wasabi import msg

from clinical_distilled.errors import InputError
from clinical_distilled.files import write_json

_PIN = re.compile(r"^([A-Za-z0-9._-]+==[^\s\\]+(?: *;[^\\]+)?)", re.MULTILINE)


@dataclass(frozen=True)
class Libraries:
    """What is to be in an environment besides the package.

    Attributes
    ----------
    requirements : tuple of str
        Installed with what they need.
    alone : tuple of str
        Installed without what they need: for a library that asks for more than the part in use does.
    pins : tuple of str
        ``name==version`` of whatever else is pulled in.
    """

    requirements: tuple[str, ...]
    alone: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()


def read_pins(lock: Path, leave_out: Sequence[str] = ()) -> tuple[str, ...]:
    """Read the pins of a requirements file with hashes, without the hashes.

    Raises
    ------
    InputError
        If the file is missing or holds no pin.
    """
    if not lock.exists():
        raise InputError(f"{lock}: no such file. It pins what the environments of the smoke test get.")
    pins = [pin.strip() for pin in _PIN.findall(lock.read_text(encoding="utf-8"))]
    if not pins:
        raise InputError(f"{lock}: no line like `name==version` in it.")
    return tuple(pin for pin in pins if pin.partition("==")[0] not in leave_out)


def prepare(root: Path, libraries: Libraries) -> Path:
    """Make an environment, or take the one that is there if it was made for the same libraries.

    Returns
    -------
    Path
        The environment's python.

    Raises
    ------
    InputError
        If something cannot be installed.
    """
    python = root / "bin" / "python"
    key_file = root / "libraries.json"
    key = json.loads(json.dumps({"python": sys.version, **asdict(libraries)}))
    if python.exists() and key_file.exists() and json.loads(key_file.read_text(encoding="utf-8")) == key:
        return python
    msg.info(f"Making the environment {root.name}: {', '.join((*libraries.requirements, *libraries.alone))}")
    shutil.rmtree(root, ignore_errors=True)
    _run([sys.executable, "-m", "virtualenv", "--quiet", str(root)], "make an empty environment")
    pins = root / "pins.txt"
    pins.write_text("\n".join(libraries.pins), encoding="utf-8")
    install(python, ["--constraint", str(pins), *libraries.requirements])
    if libraries.alone:
        install(python, ["--no-deps", *libraries.alone])
    write_json(key_file, key)  # last: an environment that was interrupted has none and is made anew
    return python


def install(python: Path, arguments: Sequence[str]) -> None:
    """Run ``pip install`` in an environment."""
    _run([str(python), "-I", "-m", "pip", "install", "--quiet", "--progress-bar=off", *arguments], "install")


def check(python: Path) -> None:
    """Run ``pip check``: everything that is installed has what it asks for."""
    _run([str(python), "-I", "-m", "pip", "check"], "find everything the package asks for")


def clean_variables() -> dict[str, str]:
    """Return the environment variables without those that would let anything else be imported."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def _run(command: list[str], aim: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_variables())
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise InputError(f"Smoke test: could not {aim}:\n{last}")
