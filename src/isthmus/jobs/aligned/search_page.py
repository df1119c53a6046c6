"""The page of a search: the best choice, all of them, and what all trainings told."""

from datetime import datetime

from isthmus.evaluation.comparison import title
from isthmus.evaluation.pages.search_report import SearchReport
from isthmus.jobs.aligned import search_summary
from isthmus.jobs.aligned.results import SearchedResult


def of(result: SearchedResult) -> SearchReport:
    """Returns the fields of the page of a search."""
    best, measure = result.trials[0], result.measure
    return SearchReport(
        job=result.job,
        digest=result.digest,
        version=result.version,
        started=datetime.fromisoformat(result.started).timestamp(),
        seconds=sum(result.seconds.values()),
        missing={name: why for name, why in result.missing.items() if name != "report"},
        choices=len(result.trials),
        trainings=search_summary.trainings(result),
        failed=sum(len(trial.failed) for trial in result.trials),
        scored_on=search_summary.scored_on(result),
        measure=title(measure) if measure else "",
        best=search_summary.number(best, measure) if measure else "",
        trials=search_summary.trials_table(result.trials),
        told=search_summary.told_table(result.told),
        equations=result.equations,
    )
