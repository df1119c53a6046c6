"""The clinic and the insurer of the example of two parties."""

import json
from pathlib import Path

from tests.e2e.trial import Trial

PARTIES = ("clinic", "insurer")


class Desk(Trial):
    """The two parties, whose job has a key that is quickly made."""

    def __init__(self, folder: Path, job: str = "job.toml", system: str = "regression") -> None:
        super().__init__(folder, "health", PARTIES, job)
        small_key = f"\n[{system}.encryption]\nkey_bits = 1024\n"
        self.job.write_text(self.job.read_text() + small_key)

    def rounds(self, party: str) -> int:
        """Rounds of training in the event log of the latest run."""
        log = self.latest(party) / "events.jsonl"
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return max((at.get("done", 0) for at in events if at["stage"] == "train"), default=0)
