"""The two halves of a Flower app in which next to nothing is computed; Flower's processes load it.

The run's configuration names a file, in which a `Plan` is; the plan names another one, in which is
left what every payload took. Each ClientApp begins anew in every round, so this loads little.
"""

import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from benchmarks.round_cost import Marks, Payload, Plan, cpu_seconds

ARRAYS, METRICS = "arrays", "metrics"


class MarkedFedAvg(FedAvg):
    """Flower's FedAvg, which marks the end of each round; without evaluation, as ours."""

    def __init__(self, nodes: int, rounds: int, root: int) -> None:
        super().__init__(fraction_evaluate=0.0, min_train_nodes=nodes, min_available_nodes=nodes)
        self._nodes = nodes
        self._last = rounds
        self._root = root
        self._ends = list[float]()
        self._cpu = list[float]()

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Average, and note when that was done."""
        answers = list(replies)
        assert sum(not answer.has_error() for answer in answers) == self._nodes
        averaged = super().aggregate_train(server_round, answers)
        if len(self._ends) in {0, self._last}:
            self._cpu.append(cpu_seconds(self._root))
        self._ends.append(time.perf_counter())
        return averaged

    def marks(self) -> Marks:
        """All of them, when the last round is over."""
        first, last = self._cpu
        return Marks(self._ends, last - first)


server = ServerApp()
client = ClientApp()


@server.main()
def play(grid: Grid, context: Context) -> None:
    """Let all nodes play every payload of the plan."""
    plan = msgspec.json.decode(Path(str(context.run_config["files"])).read_bytes(), type=Plan)
    found = list[Marks]()
    for payload in plan.payloads:
        strategy = MarkedFedAvg(plan.nodes, payload.rounds, plan.root)
        strategy.start(grid, initial(payload), num_rounds=payload.rounds + 1)
        found.append(strategy.marks())
    answer = Path(plan.answer)
    partial = answer.with_suffix(".partial")
    partial.write_bytes(msgspec.json.encode(found))
    partial.rename(answer)


@client.train()
def train(message: Message, context: Context) -> Message:
    """Multiply all parameters by a number of this node's own, and send them back."""
    factor = np.float32(1 + context.node_id % 10_000 / 1_000_000)
    ours = message.content.array_records[ARRAYS]
    trained = {name: Array(array.numpy() * factor) for name, array in ours.items()}
    content = RecordDict({ARRAYS: ArrayRecord(trained), METRICS: MetricRecord({"num-examples": 1})})
    return Message(content, reply_to=message)


def initial(payload: Payload) -> ArrayRecord:
    """Parameters before the first round: normal random numbers."""
    random = np.random.default_rng(7)
    each = payload.numbers // payload.arrays
    return ArrayRecord(
        {
            str(number): Array(random.standard_normal(each, np.float32))
            for number in range(payload.arrays)
        }
    )
