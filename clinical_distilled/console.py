"""What every program in ``scripts/`` shares: how it starts, how it fails, how it counts."""

import sys
from collections.abc import Callable
from typing import Any

import typer
from wasabi import msg

from clinical_distilled.errors import InputError


def program(help: str | None = None) -> typer.Typer:  # noqa: A002 - typer's name
    """Return an empty Typer program, for several commands in one."""
    # Locals in a traceback would print the text of notes.
    return typer.Typer(add_completion=False, pretty_exceptions_show_locals=False, help=help)


def run(command: Callable[..., Any]) -> None:
    """Run a function, or a `program`, as a Typer program; an `InputError` ends it with its message and exit code 1."""
    app = command if isinstance(command, typer.Typer) else program()
    if app is not command:
        app.command()(command)
    try:
        app(standalone_mode=True)
    except InputError as error:
        msg.fail(str(error))
        sys.exit(1)
