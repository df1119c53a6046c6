"""A small app of master and children, as `isthmus.jobs` makes one: the processes of Flower load it.

Settings of the master: `result`, the file for what it has in the end; `children`, their names;
`rounds`, `quorum` and `deadline`. Settings of a child: `by`, what its training adds; `folder`,
where it keeps its last update and what it gets; `fault`, what goes wrong there.
"""

import os
import signal
from pathlib import Path

import msgspec
import numpy as np

from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.flower.apps import client_app, server_app
from isthmus.horizontal.flower.nodes import Nodes
from isthmus.horizontal.flower.replay import Replay
from isthmus.horizontal.flower.run_files import Settings
from isthmus.horizontal.messages import EncoderRequest
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.rounds.inbox import Inbox
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.rounds.memory import ChildMemory, MasterMemory
from isthmus.horizontal.rounds.protocol import child, master
from isthmus.horizontal.rounds.training import Training
from isthmus.horizontal.spec import Rounds
from tests.federation import ENCODER, INITIAL, mean


def play_master(settings: Settings, nodes: Nodes) -> None:
    spec = Rounds(
        count=int(settings["rounds"]),
        quorum=int(settings["quorum"]),
        deadline=float(settings["deadline"]),
    )
    inbox = Inbox(
        EncoderRequest, [nodes.line(it, spec.deadline) for it in settings["children"].split()]
    )
    training = Training(ENCODER, INITIAL, mean)
    trained = master(inbox, training, spec, Telemetry(), MasterMemory())
    Path(settings["result"]).write_bytes(
        msgspec.json.encode(
            {"model": trained.model, "holders": trained.holders, "rounds": trained.rounds}
        )
    )


def play_child(settings: Settings, replay: Replay) -> None:
    folder = Path(settings["folder"])
    folder.mkdir(exist_ok=True)
    by, fault = np.float32(settings["by"]), settings.get("fault", "")

    def train(parameters: Parameters, number: int) -> tuple[Parameters, dict[str, float]]:
        if fault == "error":
            raise ValueError("the diagnosis of row 7 is gout")
        if fault == "killed" and number == 2 and not (folder / "killed").exists():
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        with (folder / "trained").open("a") as notes:
            notes.write(f"{number}\n")
        return {name: it + by for name, it in parameters.items()}, {"by": float(by)}

    memory = ChildMemory(folder / "memory.npz", "job")
    memory.load()
    trainer = LocalTrainer(samples=1, layout=Layout.of(INITIAL), train=train)
    received = child(replay.line("master"), ENCODER, lambda _: trainer, Telemetry(), memory)
    (folder / "model").write_text(received.model)


server = server_app(play_master)
client = client_app(play_child)
