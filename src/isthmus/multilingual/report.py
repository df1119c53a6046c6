"""The report page of a multilingual run."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from isthmus.core.telemetry import Event
from isthmus.evaluation.pages import multilingual_report
from isthmus.evaluation.pages.multilingual_report import LossHistory, MultilingualReport
from isthmus.multilingual.run_files import RunFiles
from isthmus.multilingual.spec import Multilingual
from isthmus.outcomes import LocalOutcome
from isthmus.store import events
from isthmus.store.runs import Run

_LOSS = "loss_"
"""Begin of the name of the loss of a task in events; `/` parts it from the languages."""

_WORDS = {
    "static": "a static encoder",
    "tiny": "a small transformer",
    "small": "a transformer of {depth} layers",
    "base": "a transformer of {depth} layers",
    "bytes": "a transformer over bytes",
}


class _Job(msgspec.Struct):
    """The part of a job that the page shows."""

    multilingual: Multilingual


def page(run: Run, shown: Mapping[str, Any], outcome: LocalOutcome) -> str:
    """Make the page.

    Args:
        run: The run folder.
        shown: The fields that every page has.
        outcome: The result of training.

    Returns:
        HTML.
    """
    encoder = run.read_json(run.job.name, _Job).multilingual.encoder
    vocabulary, converged = outcome.vocabulary, outcome.converged
    return multilingual_report.render(
        MultilingualReport(
            **shown,
            encoder=_WORDS[encoder.type].format(depth=encoder.depth),
            languages=list(RunFiles(run).corpora.languages),
            pairs=list(outcome.retrieval.pairs) if outcome.retrieval else [],
            train=outcome.rows["train"],
            test=outcome.rows["test"],
            ending=outcome.ending,
            converged=msgspec.structs.asdict(converged) if converged else {},
            tokens_per_s=(outcome.throughput.tokens_per_s or 0.0) if outcome.throughput else 0.0,
            memory=outcome.memory.peak_bytes if outcome.memory else 0,
            pieces=vocabulary.size if vocabulary else 0,
            unknown=vocabulary.unknown_by_language if vocabulary else {},
            cut=vocabulary.cut if vocabulary else 0.0,
            left_out={
                name: rows.left_out for name, rows in outcome.corpora.items() if rows.left_out
            },
            history=history(list(events.follow(run.events))),
        )
    )


def history(found: Sequence[Event]) -> LossHistory:
    """Collect the losses of a run over time.

    Args:
        found: The events of the run.

    Returns:
        The losses of those that report training.
    """
    trained = events.latest(found, "train")
    metrics = [event.metrics for event in trained]
    tasks = dict.fromkeys(
        name for each in metrics for name in each if name.startswith(_LOSS) and "/" not in name
    )
    return LossHistory(
        steps=[event.done for event in trained],
        by_task={
            name.removeprefix(_LOSS): [each.get(name, np.nan) for each in metrics] for name in tasks
        },
        speed=[each.get("tokens_per_s", np.nan) for each in metrics],
    )
