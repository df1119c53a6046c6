"""The commands and their flags are frozen: a job file is the whole experiment, flags are paths."""

from collections.abc import Iterator
from typing import Any

import typer

from isthmus.cli.main import app

COMMANDS = """
align JOB --party --into --again --json
check JOB --party --json
embed RUN FILE --out --json
evaluate RUN FILE... --json
explain JOB --party --run --json
export RUN DIR --since --json
init TEMPLATE [DIR] --from --data --online --decide --json
keys authority NAME DIR --json
keys issue REQUEST AUTHORITY_DIR --json
keys make NAME DIR --json
keys request NAME DIR --json
keys show CERT --json
ledger show RUN --json
ledger verify RUN --certificate --json
mine RUN LEFT RIGHT --out --score --threshold --json
mix JOB --show --json
predict RUN FILE --out --json
report RUN --json
run JOB --party --into --again --json
schema job|party TABLE --json
simulate JOB --runs --grid --json
tee inspect EVIDENCE --endorsements --at --json
version --json
"""


OTHERS = {"--at", "--data", "--decide", "--since", "--score", "--show", "--threshold"}
"""A time, names of data and snapshots, ways to use a trained model, how many texts to print."""


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def found() -> dict[str, Any]:
    return dict(commands(typer.main.get_command(app)))


def words(command: Any) -> list[str]:
    return [
        parameter.metavar if parameter.param_type_name == "argument" else parameter.opts[0]
        for parameter in command.params
    ]


class TestFlags:
    def test_are_the_ones_that_we_agreed_on(self) -> None:
        lines = sorted(" ".join([name, *words(command)]) for name, command in found().items())
        assert lines == COMMANDS.strip().splitlines()

    def test_carry_paths_and_no_hyper_parameter_of_training(self) -> None:
        options = [
            parameter
            for command in found().values()
            for parameter in command.params
            if parameter.param_type_name == "option"
        ]
        others = [option for option in options if option.opts[0] not in OTHERS]
        assert {option.type.name for option in others} == {"path", "boolean"}

    def test_every_command_has_help_and_an_example_of_itself(self) -> None:
        for name, command in found().items():
            assert command.help.endswith(".")
            assert command.epilog.startswith(f"Example: isthmus {name}")
