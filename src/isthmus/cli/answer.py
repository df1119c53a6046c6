"""The answer of a command, and the one place where it is printed."""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console, RenderableType

from isthmus.answers.text import plain
from isthmus.store.encoding import to_json


@dataclass(frozen=True)
class Answer:
    """What a command found or did."""

    value: object
    """For programs: one JSON object."""

    text: RenderableType | None = None
    """For people; None where the command has told them already, on standard error."""


Command = Callable[..., Answer | None]


def answers(command: Command) -> Command:
    """Declare `--json`, which every command has, on a command.

    It is only declared here: `main` looks for it by itself, because errors obey it too.

    Args:
        command: A function that knows nothing of `--json`.

    Returns:
        The function for Typer.
    """

    def declared(**arguments: Any) -> Answer | None:
        del arguments[_JSON.name]
        return command(**arguments)

    update_wrapper(declared, command)
    signature = inspect.signature(command)
    parameters = [*signature.parameters.values(), _JSON]
    vars(declared)["__signature__"] = signature.replace(parameters=parameters)
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
            _print(answer.text, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(text: RenderableType) -> None:
    """Print something for people only, on standard error."""
    _print(text, sys.stderr)


def _print(text: RenderableType, stream: TextIO) -> None:
    if stream.isatty():
        Console(file=stream).print(text, crop=False)
        return
    for line in plain(text).splitlines():
        typer.echo(line, stream)


def keep_stdout_clean() -> None:
    """Let only `sys.stdout` reach standard output from here on.

    Libraries in C write to file descriptor 1 whenever they like: that is dropped. What they have to
    say about failures goes to standard error, which stays.
    """
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    results, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    sys.stdout = os.fdopen(results, "w", encoding=encoding, errors=errors)


_JSON = inspect.Parameter(
    "json",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of text for people.")
    ],
)
