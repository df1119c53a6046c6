"""Tells why a command failed: one sentence, an exit code, a traceback for our bugs only."""

import sys
import traceback
from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import typer

from isthmus.core import extras, memory
from isthmus.core.errors import IsthmusError, SpecError, one_line, told
from isthmus.core.extras import MissingExtraError
from isthmus.store.encoding import to_json

EXIT_CODES = {
    0: "done",
    1: "a bug of ours",
    2: "your files, your data or the command",
    3: "the other side found a fault, or broke the protocol: ask there",
    4: "the line failed, or the other side was cut short: run it again",
    5: "a ledger does not verify",
    6: "your own policy refused",
    130: "interrupted",
}
INTERRUPTED = 130


@dataclass(frozen=True)
class Failure:
    """What people and programs are told about an error."""

    kind: str
    message: str
    exit_code: int


def fail(error: BaseException, *, as_json: bool) -> int:
    """Tell why a command failed.

    Args:
        error: What it raised.
        as_json: Also print one JSON object on standard output.

    Returns:
        The exit code.
    """
    failure = _describe(_as_ours(error))
    if failure.kind == "Bug":
        traceback.print_exception(error)
    typer.echo(f"isthmus: {failure.message}", err=True)
    if as_json:
        typer.echo(to_json({"error": failure}))
        sys.stdout.flush()
    return failure.exit_code


def _as_ours(error: BaseException) -> BaseException:
    """Returns the error of ours that says what another one means for the user, if there is one."""
    if memory.is_shortage(error):
        return memory.as_error(error)
    match error:
        case ModuleNotFoundError(name=str(module)) if extras.extra_of(module):
            return MissingExtraError(extras.advice("this command", module))
        case PermissionError(filename=str(path)):
            return SpecError(
                f"{path}: this user may neither read nor change it. Did another user start an "
                "earlier run there, such as root? Give it to this one, or choose another folder."
            )
        case _:
            return error


def _describe(error: BaseException) -> Failure:
    problem = cast(object, error)  # no type checker expects an error that is one
    if isinstance(problem, _UsageProblem):
        return Failure("UsageError", one_line(_usage(problem)), problem.exit_code)
    match error:
        case IsthmusError():
            return Failure(type(error).__name__, told(error), error.exit_code)
        case KeyboardInterrupt():
            message = (
                "interrupted. Run it again: `isthmus run`, and `isthmus simulate --grid`, go on "
                "where they were cut off."
            )
            return Failure("Interrupted", message, INTERRUPTED)
        case _:
            message = (
                f"{type(error).__name__}: this is a bug in isthmus, not in your files. "
                "Please report it with the lines above."
            )
            return Failure("Bug", message, 1)


@runtime_checkable
class _UsageProblem(Protocol):
    """What is wrong with a command line, whether Typer brings its own Click or finds one."""

    exit_code: int

    def format_message(self) -> str: ...


def _usage(error: _UsageProblem) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    command = context.command_path if context else "isthmus"
    said, question, _ = error.format_message().partition("?")  # Typer asks what Click has asked
    return f"{said.rstrip('.')}{question or '.'} `{command} --help` shows how."
