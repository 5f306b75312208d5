"""Registering a component that may be there twice: once in the library, once in every installed package.

spaCy refuses two functions under one factory name, and it loads the entry points of all installed packages as soon
as any pipeline is made. So the first copy to come serves all; what a copy can read is checked by the component
itself, from the format number in its data.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from spacy.language import Language

F = TypeVar("F", bound=Callable[..., Any])


def factory(name: str, **settings: Any) -> Callable[[F], F]:
    """Register as ``Language.factory(name, **settings)`` does, unless another copy already has this name.

    Parameters
    ----------
    name : str
        Name of the factory, as in a config's ``factory = "..."``.
    settings
        What ``Language.factory`` takes: ``default_config``, ``assigns``, ``requires``, ...
    """

    def register(function: F) -> F:
        if not Language.has_factory(name):
            Language.factory(name, **settings, func=function)
        return function

    return register
