"""Registering a component that may be there several times: in the library, and in every installed package.

spaCy refuses two functions under one factory name, and it loads the entry points of all installed packages as soon
as any pipeline is made. So a copy of this folder inside a package registers under the package's name and its own:
every package runs the code it was made and tested with, whatever else is installed.
"""

from collections.abc import Callable
from typing import Any

from spacy.language import Language

_LIBRARY = "clinical_distilled"


def factory_name(name: str, package: str = __name__.partition(".")[0]) -> str:
    """Return the name of a factory in a package: ``onnx_ner`` here, ``<package>_onnx_ner`` in a copy.

    Parameters
    ----------
    name : str
        Name of the factory in this library.
    package : str
        Top-level package that holds the copy; by default the one this file is in.
    """
    return name if package == _LIBRARY else f"{package}_{name}"


def factory(name: str, **settings: Any) -> Callable[[Any], Any]:
    """Register as ``Language.factory(name, **settings)`` does, under `factory_name`."""
    register: Callable[[Any], Any] = Language.factory(factory_name(name), **settings)
    return register
