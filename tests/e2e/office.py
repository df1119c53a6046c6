"""The office and some of the branches of the example of a master and its children."""

import re
import time
from collections.abc import Sequence
from pathlib import Path

from isthmus.store.runs import Run
from tests.e2e.trial import Trial

MASTER = "office"


class Office(Trial):
    """An office and some branches; a round takes them all, and each counts by its samples."""

    RULE = 'rule = "count"'

    def __init__(self, folder: Path, children: Sequence[str], rounds: int) -> None:
        super().__init__(folder, "fusion", (MASTER, *children))
        for party in re.findall(r"\[parties\.(branch-\d\d)\]", self.job.read_text()):
            if party not in children:
                self.edit(self.job, f'[parties.{party}]\nrole = "child"\n\n', "")
        self.edit(self.job, 'rule = "actor_critic"', self.RULE)
        quorum = f"count = {rounds}\nquorum = {len(children)}"
        self.edit(self.job, "count = 40\nquorum = 5", quorum)

    def wait_for_round(self, number: int) -> None:
        """Until the office, which was started first, has ended a round."""
        log = Run(self.latest(MASTER)).events
        while not (log.exists() and f'"stage":"train","done":{number},' in log.read_text()):
            assert self.started[0].poll() is None
            time.sleep(0.02)
