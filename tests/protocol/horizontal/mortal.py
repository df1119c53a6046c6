"""A federation in one process, whose roles have state; it may kill itself in the third round.

Arguments: a folder for checkpoints, where to die (`train`, `fuse`, `kept` or `never`), and whether
updates are `plain` or `masked`. Says the digest of the final parameters, the number of rounds, and
how often children trained.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from isthmus.core.telemetry import Event
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.privacy.spec import Privacy, SecureAggregation
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.training import Contribution, Fused, Training
from isthmus.horizontal.spec import Rounds
from isthmus.store.checkpoint import Arrays
from tests.federation import (
    ENCODER,
    INITIAL,
    Federation,
    Role,
    learner,
    mean,
    secure_training,
    trainer_of,
)

ZERO = np.zeros((), np.float32)


class Mortal:
    """All parties of a run."""

    def __init__(self, folder: Path, dies: str, updates: str) -> None:
        self.folder = folder
        self.dies = dies
        self.secure = SecureAggregation(largest_share=0.6) if updates == "masked" else None
        self.trainings = 0

    def run(self) -> str:
        memory = MasterMemory(self.folder / "master", "job")
        memory.load()
        federation = Federation.of({name: self.child(name) for name in ("a", "bb", "cccc")})
        spec = Rounds(count=6, quorum=3)
        training = Training(ENCODER, INITIAL, self.momentum)
        if self.secure:
            training = secure_training(self.secure, self.momentum)
        trained = federation.play(spec, memory=memory, training=training, watch=self.watch)
        return f"{trained.model} {len(trained.rounds)} {self.trainings}"

    def child(self, name: str) -> Role:
        """A child that gains speed: what it sends depends on how often it has trained."""
        state: Arrays = {"speed": ZERO}
        memory = ChildMemory(self.folder / name, "job")
        memory.load()

        def train(parameters: Parameters, number: int) -> tuple[Parameters, Mapping[str, float]]:
            self.trainings += 1
            speed = np.float32(0.9) * state["speed"] + np.float32(0.1 * len(name))
            state["speed"] = np.asarray(speed)
            if name == "bb":
                self.perhaps_die("train", number)
            return {key: np.cos(array) + speed for key, array in parameters.items()}, {}

        privacy = Privacy(secure_aggregation=self.secure)
        return learner(trainer_of(train, len(name), state, privacy), memory=memory)

    def momentum(self, before: Parameters, taken: Sequence[Contribution], state: Arrays) -> Fused:
        """A fusion that depends on the rounds before."""
        number = state.get("number", np.zeros((), np.int64)) + 1
        self.perhaps_die("fuse", int(number))
        fused = mean(before, taken, state)
        moved = np.float32(0.5) * state.get("moved", ZERO) + fused.parameters["w"]
        parameters = {**fused.parameters, "w": moved}
        state = {"moved": moved, "number": np.asarray(number)}
        return fused._replace(parameters=parameters, state=state)

    def watch(self, event: Event) -> None:
        if event.stage == "train":
            self.perhaps_die("kept", event.done)

    def perhaps_die(self, here: str, number: int) -> None:
        if (here, number) == (self.dies, 3):
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.stdout.write(Mortal(Path(sys.argv[1]), *sys.argv[2:]).run())
