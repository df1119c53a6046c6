"""The `isthmus` command: the index of its verbs, and the last stop of every error."""

import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from isthmus import __version__
from isthmus.cli import keys, ledger, tee
from isthmus.cli.answer import Answer, Command, answers, keep_stdout_clean, show
from isthmus.cli.check import check
from isthmus.cli.explain import explain
from isthmus.cli.export import export
from isthmus.cli.failures import EXIT_CODES, INTERRUPTED, fail
from isthmus.cli.init import init
from isthmus.cli.predict import predict
from isthmus.cli.report import report
from isthmus.cli.run import align, run
from isthmus.cli.schema import schema
from isthmus.cli.simulate import simulate
from isthmus.cli.texts import embed, evaluate, mine, mix
from isthmus.cli.version import version
from isthmus.core import memory
from isthmus.core.errors import DiskError, disk_full_is_error

_LEAST = 10**8
"""Bytes without which libraries end the process as soon as they are loaded."""

# Every command, with its example.
COMMANDS: Mapping[Command, str] = {
    init: "isthmus init health trial",
    simulate: "isthmus simulate trial/job.toml",
    check: "isthmus check job.toml --party party.toml",
    explain: "isthmus explain job.toml --party party.toml",
    align: "isthmus align job.toml --party party.toml",
    run: "isthmus run job.toml --party party.toml",
    report: "isthmus report runs/latest",
    predict: "isthmus predict runs/latest new.parquet --out scores.parquet",
    export: "isthmus export runs/latest served/",
    mix: "isthmus mix words/job.toml --show 20",
    embed: "isthmus embed runs/latest texts.txt --out vectors.parquet",
    mine: "isthmus mine runs/latest left.txt right.txt --out pairs.tsv",
    evaluate: "isthmus evaluate runs/latest news.en.txt news.de.txt",
    schema: "isthmus schema job",
    version: "isthmus version",
}
KEYS: Mapping[Command, str] = {
    keys.make: "isthmus keys make clinic keys/",
    keys.request: "isthmus keys request clinic keys/",
    keys.authority: "isthmus keys authority our-authority authority/",
    keys.issue: "isthmus keys issue keys/request.pem authority/",
    keys.show: "isthmus keys show keys/certificate.pem",
}
LEDGER: Mapping[Command, str] = {
    ledger.show: "isthmus ledger show runs/latest",
    ledger.verify: "isthmus ledger verify runs/latest",
}
TEE: Mapping[Command, str] = {
    tee.inspect: "isthmus tee inspect quote.bin --endorsements collateral.json",
}


def main() -> None:
    """Run the command line of this process."""
    keep_stdout_clean()
    if sys.argv[1:2] == ["simulate"]:  # who stops it stops the parties that it started
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(execute(sys.argv[1:]))


def execute(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: What was typed after `isthmus`.

    Returns:
        The exit code; every failure has been told by then.
    """
    as_json = "--json" in arguments
    try:
        memory.require(_LEAST, "the program")
        with disk_full_is_error(_temporary()):  # libraries write there; we name our own files
            answer = app(list(arguments) or ["--help"], prog_name="isthmus", standalone_mode=False)
        if answer == INTERRUPTED:  # what Typer makes of a KeyboardInterrupt
            return fail(KeyboardInterrupt(), as_json=as_json)
        if isinstance(answer, Answer):
            with disk_full_is_error(Path("standard output")):
                show(answer, as_json=as_json)
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - nobody comes after us
        return fail(error, as_json=as_json)
    return 0


def _show_version(asked: bool) -> None:  # noqa: FBT001 - as Typer calls it
    if asked:
        typer.echo(f"isthmus {__version__}")
        raise typer.Exit


def _temporary() -> Path:
    """Find the folder of temporary files.

    Returns:
        The folder.

    Raises:
        DiskError: Nothing can be written into any.
    """
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        raise DiskError(
            "no folder for temporary files can be written to, such as /tmp: make room on its disk, "
            "or name another folder in the environment variable TMPDIR."
        ) from None


def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Joint training across data islands."""
    del version  # its callback has ended the command


def _make_app() -> typer.Typer:
    codes = "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())
    root = _group("Joint training across data islands.", COMMANDS, f"Exit codes: {codes}.")
    root.callback()(_root)
    root.add_typer(_group("Keys and certificates of parties.", KEYS), name="keys")
    root.add_typer(_group("What left a party: look at it, verify it.", LEDGER), name="ledger")
    root.add_typer(_group("Enclaves: what they prove of themselves.", TEE), name="tee")
    return root


def _group(title: str, commands: Mapping[Command, str], epilog: str | None = None) -> typer.Typer:
    group = typer.Typer(help=title, epilog=epilog, pretty_exceptions_enable=False)
    for command, example in commands.items():
        group.command(epilog=f"Example: {example}")(answers(command))
    return group


app = _make_app()
