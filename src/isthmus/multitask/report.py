"""The report page of a multi-task model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isthmus.core.telemetry import Event
from isthmus.evaluation.pages import multitask_report
from isthmus.evaluation.pages.multitask_report import History, MultitaskReport, Queue, Server
from isthmus.multitask.network import trainer
from isthmus.multitask.network.trainer import Description
from isthmus.multitask.spec import Multitask
from isthmus.outcomes import LocalOutcome
from isthmus.store import events
from isthmus.store.runs import Run

AUC, WAITING = "auc_", "waiting_"
"""Beginnings of the names of metrics in events: the AUC and the length of the queue of a task."""

_LATE = "labels"
"""In place of a task: samples that wait for a late label."""

_MODELS = {"mlp": "a multilayer perceptron", "deepfm": "DeepFM", "dcn": "DCN-v2"}
_SHARING = {
    "bottom": "with shared layers",
    "mmoe": "with a mixture of experts (MMoE)",
    "ple": "with shared and own experts (PLE)",
}


def page(run: Run, shown: Mapping[str, Any], outcome: LocalOutcome) -> str:
    """Make the page.

    Args:
        run: The run folder.
        shown: The fields that every page has.
        outcome: The result of training.

    Returns:
        HTML.
    """
    spec = run.read_json(trainer.FILE, Description).spec
    return multitask_report.render(
        MultitaskReport(
            **shown,
            model=_in_words(spec),
            tasks=list(spec.tasks),
            features=outcome.columns,
            train=outcome.rows["train"],
            test=outcome.rows["test"],
            ending=outcome.ending,
            metrics=outcome.metrics,
            server=_server(outcome),
            queues=[
                Queue(task, counts.flushes, counts.trained, counts.waited)
                for task, counts in outcome.queues.items()
            ],
            history=history(list(events.follow(run.events))),
        )
    )


def history(found: Sequence[Event]) -> History:
    """Collect the numbers of a run over time.

    Args:
        found: The events of the run.

    Returns:
        The numbers of those that report training.
    """
    trained = events.latest(found, "train")
    metrics = [event.metrics for event in trained]

    def over_time(name: str) -> list[float]:
        return [each.get(name, np.nan) for each in metrics]

    def by_task(beginning: str) -> dict[str, list[float]]:
        names = dict.fromkeys(n for each in metrics for n in each if n.startswith(beginning))
        return {name.removeprefix(beginning): over_time(name) for name in names}

    waiting = by_task(WAITING)
    return History(
        samples=[event.done for event in trained],
        loss=over_time("loss"),
        speed=over_time("samples_per_s"),
        staleness=over_time("staleness"),
        rows=over_time("rows"),
        evicted=over_time("evicted"),
        auc=by_task(AUC),
        late=waiting.pop(_LATE, []),
        waiting=waiting,
    )


def _in_words(spec: Multitask) -> str:
    model = _MODELS[spec.model]
    return f"{model} {_SHARING[spec.sharing]}" if len(spec.tasks) > 1 else model


def _server(outcome: LocalOutcome) -> Server | None:
    throughput, traffic, memory = outcome.throughput, outcome.traffic, outcome.memory
    if throughput is None or traffic is None or memory is None or outcome.staleness is None:
        return None
    return Server(
        samples_per_s=throughput.samples_per_s or 0.0,
        traffic=traffic.bytes,
        exchanges=outcome.exchanges or 0,
        staleness=outcome.staleness.greatest,
        memory=memory.peak_bytes,
        rows=memory.rows or 0,
        evicted=memory.evicted or 0,
    )
