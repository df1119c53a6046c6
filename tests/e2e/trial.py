"""A folder that `isthmus init` made, and the parties that a person starts in it by hand."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import commands


class Trial:
    """Parties with keys, in a folder of their own; who still runs at its end is killed."""

    def __init__(
        self, folder: Path, example: str, parties: Sequence[str], job: str = "job.toml"
    ) -> None:
        commands.isthmus("init", example, folder)
        self.folder = folder
        self.parties = parties
        self.job = folder / job
        self.started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self.started:
            process.kill()  # does nothing to one that has ended
            process.communicate()

    def file(self, party: str) -> Path:
        return self.folder / party / "party.toml"

    def latest(self, party: str) -> Path:
        """Folder of the latest run."""
        return self.folder / party / "runs" / "latest"

    def newest(self, party: str) -> Path:
        """Folder of the newest run, also of one in which nobody has come yet."""
        return max((self.folder / party / "runs").glob("*-*-*"), key=lambda run: run.name)

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def use_port(self, port: int) -> None:
        for party in self.parties:
            self.edit(self.file(party), ":7401", f":{port}")

    def start(
        self, verb: str, party: str, job: Path | None = None, *options: str
    ) -> subprocess.Popen[str]:
        process = commands.start(verb, job or self.job, "--party", self.file(party), *options)
        self.started.append(process)
        return process

    def start_all(self, verb: str, *options: str) -> dict[str, subprocess.Popen[str]]:
        return {party: self.start(verb, party, None, *options) for party in self.parties}

    def play(self, verb: str, *options: str, patience: float = 1200) -> dict[str, dict[str, Any]]:
        """What all parties answer, by party."""
        started = self.start_all(verb, *options)
        return {party: commands.ended(it, patience=patience) for party, it in started.items()}
