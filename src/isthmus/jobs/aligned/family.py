"""The family of jobs over aligned columns: what `jobs/plan.py` and `capabilities.py` ask for."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Sink
from isthmus.jobs.aligned import job
from isthmus.jobs.aligned import steps as described
from isthmus.jobs.aligned import summary as ending
from isthmus.jobs.aligned.results import (
    AlignedResult,
    AlignmentResult,
    ScoredResult,
    SearchedResult,
    SimulatedAlignment,
    SimulatedScoring,
    SimulatedTraining,
    TrainedResult,
    requests_for_rows,
)
from isthmus.jobs.job import Job
from isthmus.jobs.plan import Loaded, Ready
from isthmus.jobs.result import SearchResult
from isthmus.ledger.forecast import Sizes
from isthmus.store.runs import Run

if TYPE_CHECKING:
    from isthmus.jobs.aligned.online import OnlineScorer
    from isthmus.jobs.aligned.plan import AlignedPlan

ROLES = ("active", "passive")
RESULTS = AlignedResult
ENDS_WITH_DONE = True

check = job.check
flows = job.flows
smallest = job.smallest
steps = described.steps
summary = ending.summary


def plan(loaded: Loaded, party_file: Path | None) -> "AlignedPlan":
    """Read and check everything that a party brings."""
    from isthmus.jobs.aligned import limits  # they load Arrow
    from isthmus.jobs.aligned.plan import make_plan

    found = make_plan(loaded, party_file)
    limits.check(found)
    return found


def unknown_parties(loaded: Loaded) -> list[str]:
    """Returns the passive parties whose fingerprint a job needs and does not hold."""
    from isthmus.jobs.aligned import identities  # it loads gRPC

    return identities.unknown_parties(loaded)


def expected(plan: "AlignedPlan") -> Sizes:
    """Returns what to reckon with before a run."""
    from isthmus.jobs.aligned import sizes

    return sizes.expected(plan)


def measured(plan: "AlignedPlan", run: Run) -> Sizes:
    """Returns the sizes that a finished run of this plan had."""
    from isthmus.jobs.aligned import sizes

    return sizes.measured(plan, run)


def assumptions(plan: "AlignedPlan", sizes: Sizes) -> dict[str, int]:
    """Returns the sizes that a forecast depends on, by name."""
    training = {"train_rows": sizes.train, "test_rows": sizes.test, "rounds": sizes.rounds}
    return {
        "shared_rows": sizes.shared,
        **(training if plan.loaded.trains and not plan.loaded.scores else {}),
        **_requested(sizes.requests),
        **{f"{party}_rows": count for party, count in sizes.rows.items()},
    }


def _requested(requests: Mapping[int, int] | None) -> dict[str, int]:
    if requests is None:
        return {}
    rows = sum(rows * count for rows, count in requests.items())
    return {"requests": requests_for_rows(requests), "requested_rows": rows}


def peak(plan: "AlignedPlan") -> int:
    """Returns about how many bytes of memory a run takes at this party at most."""
    from isthmus.jobs.aligned import peak

    return peak.forecast(plan, expected(plan))


def ready(plan: "AlignedPlan") -> Ready:
    """Check keys and addresses, and return what this party brings."""
    from isthmus.jobs import connection  # it loads gRPC
    from isthmus.jobs.aligned import ahead, brought, checks, limits

    checks.check_keys(plan)
    refused = checks.refusal_of_another(plan)
    sizes = expected(plan)
    return Ready(
        party=plan.party.party,
        role=plan.role,
        rows=len(plan.train),
        columns=list(plan.train.names),
        test_rows=None if plan.test is None else len(plan.test),
        address=connection.place(plan),
        certificate_expires=connection.expires(plan),
        notice=plan.notice,
        facts=brought.facts(plan) | limits.facts(plan),
        warnings=[*refused, *brought.warnings(plan), *limits.warnings(plan, sizes)],
        estimate=ahead.estimate(plan, sizes),
    )


def play(plan: "AlignedPlan", into: Path | None, watch: Sink) -> Run:
    """Align, train, score and store, as this party.

    Args:
        plan: The job and the party.
        into: Folder for the run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run.

    Raises:
        SpecError: Rows are scored as this party asks for them, which it does from Python.
        IsthmusError: Anything else that a person can act on.
    """
    from isthmus.jobs.aligned import checks, confirmed, online, run, scoring  # they load gRPC

    if plan.loaded.online and plan.listens:
        raise SpecError(
            f"{plan.loaded.path}: in this job {plan.party.party!r} asks for scores of single rows, "
            "and does so from Python: isthmus.load(RUN).online(JOB, PARTY). To score a whole data "
            "set with a command, take the table [prediction.online] out."
        )
    checks.check(plan, into)
    if plan.loaded.online:
        role = confirmed.Role(online.serve)
    elif plan.loaded.scores:
        role = confirmed.Role(scoring.play, scoring.measure_again)
    else:
        role = confirmed.Role(run.play, run.measure_again)
    return confirmed.play(role, plan, into, watch)


@contextmanager
def scoring(
    plan: "AlignedPlan", into: Path | None, watch: Sink
) -> Generator[tuple[Run, "OnlineScorer"]]:
    """Score rows online, as the active party, while the block runs.

    Args:
        plan: The job and the party.
        into: Folder for the run; by default a new one in the party's runs folder.
        watch: Sees every event as it happens.

    Yields:
        The run, and what scores rows.

    Raises:
        SpecError: This party is asked, and does not ask.
        IsthmusError: The parties do not find each other, or share too few rows.
    """
    from isthmus.jobs import session  # it loads gRPC
    from isthmus.jobs.aligned import checks, online

    if not plan.listens:
        raise SpecError(
            f"{plan.loaded.path}: in this job {plan.party.party!r} answers and {plan.first!r} "
            "asks: start it with `isthmus run`."
        )
    checks.check(plan, into)
    with session.begin(plan, into, watch) as opened, online.scoring(opened) as scorer:
        yield opened.run, scorer


def align(plan: "AlignedPlan", into: Path | None, watch: Sink) -> Run:
    """Align as this party, and stop there."""
    from isthmus.jobs.aligned import checks, confirmed, run  # they load gRPC

    checks.check_alignment(plan)
    return confirmed.play(confirmed.Role(run.align_only, command="align"), plan, into, watch)


def put_together(
    loaded: Loaded, run: Run, seconds: float
) -> SimulatedAlignment | SimulatedTraining | SimulatedScoring:
    """Returns the result of a simulated run, from the results of its parties."""
    from isthmus.jobs.aligned import simulated

    return simulated.put_together(loaded, run, seconds)


def compare(
    loaded: Loaded,
    plans: Mapping[str, "AlignedPlan"],
    run: Run,
    result: SimulatedTraining | SimulatedScoring,
) -> SimulatedTraining | SimulatedScoring:
    """Returns the result of a simulated run beside the same model on pooled columns."""
    from isthmus.jobs.aligned import simulated

    if isinstance(result, SimulatedScoring):
        return result  # nothing is trained, so there is nothing to train in one place
    return simulated.compare(loaded, plans, run, result)


def searched(found: SearchResult) -> SearchedResult:
    """Returns the result of a search as one of this family."""
    return SearchedResult(**msgspec.structs.asdict(found))


def page(run: Run, simulated: Run | None) -> str:
    """Make the report of a run.

    Args:
        run: The run folder.
        simulated: That of the simulated run which it is part of, if it is.

    Returns:
        HTML.

    Raises:
        SpecError: Nothing was trained.
    """
    from isthmus.evaluation.pages import (  # they load Matplotlib
        scoring_report,
        search_report,
        vertical_report,
    )
    from isthmus.jobs import finished
    from isthmus.jobs.aligned import report, search_page

    result = finished.read(run)
    if isinstance(result, SearchedResult):
        return search_report.render(search_page.of(result))
    if isinstance(result, ScoredResult):
        return scoring_report.render(report.read_scoring(run))
    if isinstance(result, AlignmentResult | SimulatedAlignment):
        raise SpecError(
            f"{run.folder}: this run aligned rows and trained nothing, so there is no report of a "
            "model. Its result.json and `isthmus ledger show` say what it did."
        )
    return vertical_report.render(report.read(run, simulated))


def left_model(result: AlignedResult) -> bool:
    """Returns whether the run with this result leads to a model to score with."""
    return isinstance(result, TrainedResult | ScoredResult | SimulatedTraining | SimulatedScoring)


def scoring_job(
    run: Run, earlier: Job, dataset: str | None, *, online: bool, cut: float | None
) -> Job:
    """Make a job that scores with the model of a run.

    Args:
        run: The run of one party, which trained the model or scored rows with it.
        earlier: Its job.
        dataset: Name of the data set to score; None: the one that was trained on.
        online: Whether rows are scored one by one, as the active party asks for them.
        cut: Score above which the active party learns a decision, in place of all scores.

    Returns:
        The job; `disclosed` is empty.

    Raises:
        SpecError: The run trained no such model.
    """
    from isthmus.jobs import finished
    from isthmus.jobs.aligned import stored

    result = finished.read(run)
    if isinstance(result, ScoredResult):  # the latest run is one as soon as rows were scored
        run = stored.trained_beside(run, result)
        result, earlier = finished.read(run), run.read_json(run.job.name, Job)
    if not isinstance(result, TrainedResult):
        raise SpecError(
            f"{run.folder}: this run trained no model to score rows with. Name the folder of one "
            "that did."
        )
    return stored.scoring_job(run, result, earlier, dataset, online=online, cut=cut)
