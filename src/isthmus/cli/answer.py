"""What a command hands back, and the one place where it is printed."""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Annotated, Any

import typer
from rich.console import Console, RenderableType

from isthmus.store.encoding import to_json

PIPE_WIDTH = 140
"""Columns of a table that goes into a pipe or a file."""


@dataclass(frozen=True)
class Answer:
    """What a command found or did."""

    value: object
    """For programs: one JSON object."""

    text: RenderableType | None = None
    """For people; None where the command has told them already, on standard error."""


Command = Callable[..., Answer]


def answers(command: Command) -> Command:
    """Declare `--json`, which every command has, on a command.

    It is only declared here: `main` looks for it by itself, because errors obey it too.

    Args:
        command: A function that knows nothing of `--json`.

    Returns:
        The function for Typer.
    """

    def declared(**arguments: Any) -> Answer:
        del arguments[_JSON.name]
        return command(**arguments)

    update_wrapper(declared, command)
    signature = inspect.signature(command)
    parameters = [*signature.parameters.values(), _JSON]
    setattr(declared, "__signature__", signature.replace(parameters=parameters))
    return declared


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer on standard output.

    Args:
        answer: What to print.
        as_json: One JSON object, and nothing else, instead of the text.
    """
    try:
        if as_json:
            typer.echo(to_json(answer.value))
        elif answer.text is not None:
            terminal = sys.stdout.isatty()
            _Quiet(file=sys.stdout, width=None if terminal else PIPE_WIDTH).print(answer.text)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(text: RenderableType) -> None:
    """Print something for people only, on standard error."""
    terminal = sys.stderr.isatty()
    Console(file=sys.stderr, width=None if terminal else PIPE_WIDTH).print(text)


def keep_stdout_clean() -> None:
    """Let only `sys.stdout` reach standard output from here on.

    Libraries in C and child processes write to file descriptor 1 whenever they like: that becomes
    standard error.
    """
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    results = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(results, "w", encoding=encoding, errors=errors)


class _Quiet(Console):
    """Leaves a broken pipe to `show`; Rich would end the process as if it had failed."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


_JSON = inspect.Parameter(
    "json",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text for people.")
    ],
)
