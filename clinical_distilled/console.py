"""What every program in ``scripts/`` shares: how it starts, how it fails, how it counts."""

import sys
from collections.abc import Callable
from typing import Any

import typer
from wasabi import msg

from clinical_distilled.errors import InputError


def run(command: Callable[..., Any]) -> None:
    """Run a function as a Typer program; an `InputError` ends it with its message and exit code 1."""
    # Locals in a traceback would print the text of notes.
    app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    app.command()(command)
    try:
        app(standalone_mode=True)
    except InputError as error:
        msg.fail(str(error))
        sys.exit(1)
