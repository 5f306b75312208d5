"""Environments of the smoke test: made once for the same libraries, made anew after a change or an interruption."""

from zipfile import ZipFile

import pytest

from clinical_distilled.errors import InputError
from clinical_distilled.packaging.environments import Libraries, check, clean_variables, install, prepare, read_pins

LOCK = """\
# made by a tool
spacy==3.8.18 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via x
numpy==2.2.6 ; python_full_version < '3.11' \\
    --hash=sha256:cc
numpy==2.4.6 ; python_full_version >= '3.11' \\
    --hash=sha256:dd
plain==1.0
"""


def made(folder, name, needs=""):
    """Make a wheel with one module."""
    wheel = folder / f"{name}-1-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{needs}")
        archive.writestr(f"{name}-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.dist-info/RECORD", "")
    return str(wheel)


def test_pins_are_read_without_hashes(tmp_path):
    lock = tmp_path / "lock"
    lock.write_text(LOCK)
    assert read_pins(lock) == (
        "spacy==3.8.18",
        "numpy==2.2.6 ; python_full_version < '3.11'",
        "numpy==2.4.6 ; python_full_version >= '3.11'",
        "plain==1.0",
    )
    assert read_pins(lock, leave_out=("numpy",)) == ("spacy==3.8.18", "plain==1.0")


def test_a_lock_that_is_missing_or_empty_is_named(tmp_path):
    lock = tmp_path / "lock"
    with pytest.raises(InputError, match="no such file"):
        read_pins(lock)
    lock.write_text("# nothing\n")
    with pytest.raises(InputError, match="no line like"):
        read_pins(lock)


def test_an_environment_is_used_again_until_its_libraries_change(tmp_path):
    libraries = Libraries((made(tmp_path, "one"),))
    python = prepare(tmp_path / "env", libraries)
    mark = tmp_path / "env/mark"
    mark.touch()
    assert prepare(tmp_path / "env", libraries) == python
    assert mark.exists()
    prepare(tmp_path / "env", Libraries(libraries.requirements, pins=("numpy==2",)))
    assert not mark.exists()
    mark.touch()
    (tmp_path / "env/libraries.json").unlink()  # as an interrupted run leaves it
    prepare(tmp_path / "env", libraries)
    assert not mark.exists()


def test_what_cannot_be_installed_or_is_missing_is_said(tmp_path):
    python = prepare(tmp_path / "env", Libraries((made(tmp_path, "one"),)))
    with pytest.raises(InputError, match="could not install"):
        install(python, ["--no-index", str(tmp_path / "none.whl")])
    check(python)
    install(python, ["--no-index", "--no-deps", made(tmp_path, "two", "Requires-Dist: three\n")])
    with pytest.raises(InputError, match="three"):
        check(python)


def test_nothing_of_this_python_reaches_the_environment(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("VIRTUAL_ENV", "/somewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    found = clean_variables()
    assert "PYTHONPATH" not in found
    assert "VIRTUAL_ENV" not in found
    assert found["PIP_INDEX_URL"] == "kept"
