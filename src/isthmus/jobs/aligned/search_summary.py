"""The end of a search, for people: the trials in one table, and what they told together."""

from isthmus.core.errors import one_line
from isthmus.evaluation.comparison import TextTable, title
from isthmus.jobs.aligned.results import SearchedResult
from isthmus.jobs.result import Summary, Told, Trial
from isthmus.store.runs import Run

_SHOWN = 20
"""Most trials in the table of a terminal; the CSV file and the page have all."""


def summary(run: Run, result: SearchedResult) -> Summary:
    """Returns the end of a search for people."""
    facts = [
        ("trainings", f"{trainings(result):,} over one alignment, scored on {scored_on(result)}"),
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
    facts += [(f"no {name}", why) for name, why in result.missing.items()]
    facts += [("run", str(run.folder)), ("table", str(run.folder / "trials.csv"))]
    if run.report.exists():
        facts.append(("report", str(run.report)))
    told = [told_table(result.told)] if result.told else []
    return Summary(tables=[trials_table(result.trials[:_SHOWN]), *told], facts=facts)


def trainings(result: SearchedResult) -> int:
    """Returns how many trainings the search made."""
    return sum(len(trial.runs) for trial in result.trials)


def scored_on(result: SearchedResult) -> str:
    """Returns which rows the trainings are scored on, in words."""
    return f"{result.folds} folds of the training rows" if result.folds else "the test rows"


def trials_table(trials: list[Trial]) -> TextTable:
    """Returns values and measures of some trials."""
    keys = [key.partition(".")[2] for key in trials[0].values]
    measures = list(dict.fromkeys(name for trial in trials for name in trial.metrics))
    headings = [*keys, *(f"{title(name)} #" for name in measures), "rounds #"]
    lines = [
        [
            *(str(value) for value in trial.values.values()),
            *(number(trial, name) for name in measures),
            f"{trial.rounds:.1f}",
        ]
        for trial in trials
    ]
    return headings, lines


def number(trial: Trial, measure: str) -> str:
    """Returns the mean of a measure over the repetitions of a trial, with its deviation."""
    value = trial.metrics.get(measure)
    if value is None:
        return "undefined"
    spread = trial.deviations.get(measure)
    return f"{value:.4f}" + ("" if spread is None else f" ± {spread:.4f}")


def told_table(told: list[Told]) -> TextTable:
    """Returns which messages told something, and how often."""
    lines = [(row.message, row.direction, f"{row.per_run:,.1f}", f"{row.count:,}") for row in told]
    return ("message that tells something", "way", "times a training #", "in all #"), lines
