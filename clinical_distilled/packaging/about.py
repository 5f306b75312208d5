"""What a package says of itself that no step can measure: read from ``configs/package.yml``."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import srsly

from clinical_distilled.errors import InputError


@dataclass(frozen=True)
class About:
    """Description, author, licence, and where the data came from.

    Attributes
    ----------
    description, author, email, url : str
        As in spaCy's ``meta.json``.
    license : str
        SPDX expression, for example ``MIT``.
    sources : mapping
        Notes folder, teacher or encoder -> ``{"name", "author", "license", "url"}``, all but the name optional.
    """

    description: str
    author: str
    license: str
    email: str = ""
    url: str = ""
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def sources_of(self, used: Iterable[str]) -> list[dict[str, str]]:
        """Return the sources of what a run used; what is not listed is named without further detail."""
        return [dict(self.sources.get(name, {"name": name, "license": "not stated"})) for name in used]


def read_about(path: Path) -> About:
    """Read the statements.

    Raises
    ------
    InputError
        If the file is missing, is not YAML, lacks an entry or has one that is not known; names the entry.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file. Copy configs/package.yml and fill it in.")
    try:
        values = srsly.read_yaml(path)
    except ValueError as error:
        raise InputError(f"{path}: not YAML ({str(error).splitlines()[0]}).") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected entries like `author: ...`, found {type(values).__name__}.")
    known = {entry.name for entry in fields(About)}
    for name in sorted(set(values) - known):
        raise InputError(f"{path}: entry {name!r} is not known. Known are {', '.join(sorted(known))}.")
    for name in ("description", "author", "license"):
        if not values.get(name):
            raise InputError(f"{path}: entry {name!r} is missing or empty.")
    for name, source in (values.get("sources") or {}).items():
        if not isinstance(source, dict) or "name" not in source:
            raise InputError(f"{path}: source {name!r} has no `name:`.")
    texts = {name: str(value or "") for name, value in values.items() if name != "sources"}
    return About(**texts, sources=values.get("sources") or {})
