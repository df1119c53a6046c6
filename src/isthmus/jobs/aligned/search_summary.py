"""The end of a search, for people: the trials in one table, and what they told together."""

from isthmus.core.errors import one_line
from isthmus.evaluation.comparison import TextTable, title
from isthmus.jobs.aligned.results import SearchedResult
from isthmus.jobs.result import Summary, Told, Trial
from isthmus.store.runs import Run

_SHOWN = 20
"""Most trials in the table for people; the CSV file has all."""


def summary(run: Run, result: SearchedResult) -> Summary:
    """Returns the end of a search for people."""
    runs = sum(len(trial.runs) for trial in result.trials)
    scored = f"{result.folds} folds of the training rows" if result.folds else "the test rows"
    facts = [
        ("trainings", f"{runs:,} over one alignment, scored on {scored}"),
        ("best by", title(result.measure) if result.measure else "nothing was measured"),
        ("seconds", f"{sum(result.seconds.values()):.1f}"),
    ]
    if result.equations is not None:
        facts.append(
            ("told of labels", f"{result.equations:.3f} equations per label in all trainings")
        )
    failed = [why for trial in result.trials for why in trial.failed]
    if failed:
        facts.append(("failed", f"{len(failed):,} trainings; the first: {one_line(failed[0])}"))
    facts += [("run", str(run.folder)), ("table", str(run.folder / "trials.csv"))]
    return Summary(tables=[_trials(result), *_told(result.told)], facts=facts)


def _trials(result: SearchedResult) -> TextTable:
    trials = result.trials[:_SHOWN]
    keys = [key.partition(".")[2] for key in trials[0].values]
    measures = list(dict.fromkeys(name for trial in trials for name in trial.metrics))
    headings = [*keys, *(f"{title(name)} #" for name in measures), "rounds #"]
    lines = [
        [
            *(str(value) for value in trial.values.values()),
            *(_number(trial, name) for name in measures),
            f"{trial.rounds:.1f}",
        ]
        for trial in trials
    ]
    return headings, lines


def _number(trial: Trial, measure: str) -> str:
    value = trial.metrics.get(measure)
    if value is None:
        return "undefined"
    spread = trial.deviations.get(measure)
    return f"{value:.4f}" + ("" if spread is None else f" ± {spread:.4f}")


def _told(told: list[Told]) -> list[TextTable]:
    if not told:
        return []
    lines = [(row.message, row.direction, f"{row.per_run:,.1f}", f"{row.count:,}") for row in told]
    return [(("message that tells something", "way", "times a training #", "in all #"), lines)]
