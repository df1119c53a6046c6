"""What `isthmus init` makes, and the two parties that a person starts in it by hand."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests import commands

PARTIES = ("clinic", "insurer")


class Desk:
    """Two parties with keys, in a folder of their own; who still runs at its end is killed."""

    def __init__(self, folder: Path, job: str = "job.toml", system: str = "regression") -> None:
        commands.isthmus("init", "health", folder)
        self.folder = folder
        self.job = folder / job
        small_key = f"\n[{system}.encryption]\nkey_bits = 1024\n"
        self.job.write_text(self.job.read_text() + small_key)
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

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def use_port(self, port: int) -> None:
        for party in PARTIES:
            self.edit(self.file(party), ":7401", f":{port}")

    def start(self, verb: str, party: str, job: Path | None = None) -> subprocess.Popen[str]:
        process = commands.start(verb, job or self.job, "--party", self.file(party))
        self.started.append(process)
        return process

    def start_both(self, verb: str) -> dict[str, subprocess.Popen[str]]:
        return {party: self.start(verb, party) for party in PARTIES}

    def both(self, verb: str) -> dict[str, dict[str, Any]]:
        """What the two parties answer, by party."""
        started = self.start_both(verb)
        return {party: commands.ended(process) for party, process in started.items()}

    def rounds(self, party: str) -> int:
        """Rounds of training in the event log of the latest run."""
        log = self.latest(party) / "events.jsonl"
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return max((at.get("done", 0) for at in events if at["stage"] == "train"), default=0)
