"""Sizes for the forecast of a job over aligned columns."""

from dataclasses import replace

from isthmus.core.errors import SpecError
from isthmus.jobs import finished
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.results import AlignmentResult, ScoredResult, TrainedResult
from isthmus.jobs.aligned.rows import left, scores_fold
from isthmus.jobs.explain import check_same
from isthmus.ledger.forecast import Sizes
from isthmus.store.runs import Run


def expected(plan: AlignedPlan) -> Sizes:
    """Our own sizes as they are, the others' as the job declares them, or else like ours."""
    job, loaded = plan.job, plan.loaded
    rows = {party: member.rows or len(plan.train) for party, member in job.parties.items()}
    rows[plan.party.party] = len(plan.train)
    if job.expected:
        sizes = _sizes(plan, rows, job.expected.shared_rows, job.expected.rounds)
        functions = (
            (job.expected.functions,) * job.expected.rounds if job.expected.functions else ()
        )
        return replace(sizes, functions=functions)
    rounds = loaded.system.most_rounds(loaded.spec) if loaded.trains and not loaded.scores else 0
    return _sizes(plan, rows, min(rows.values()), rounds)


def measured(plan: AlignedPlan, run: Run) -> Sizes:
    """The sizes that a finished run had, where `expected` has to guess.

    Args:
        plan: The job and the party.
        run: The run folder.

    Returns:
        The sizes.

    Raises:
        SpecError: The run is of another job or party.
    """
    match result := finished.read(run):
        case TrainedResult():
            check_same(plan, run, result)
            train, test = result.rows["train"], result.rows["test"]
            scored_elsewhere = 0 if scores_fold(plan.loaded.data) else test
            shared = result.alignment.size or train + test - scored_elsewhere
            return replace(
                expected(plan),
                shared=shared,
                train=train,
                test=test,
                rounds=result.rounds,
                functions=tuple(result.functions),
                prepared=result.prepared,
            )
        case ScoredResult():
            check_same(plan, run, result)
            scored = result.rows["scored"]
            if result.requests is None:
                return replace(expected(plan), shared=scored, test=scored)
            shared = result.alignment.size or 0
            return replace(expected(plan), shared=shared, requests=result.requests)
        case AlignmentResult():
            check_same(plan, run, result)
            return replace(expected(plan), shared=result.alignment.size or 0)
        case _:
            raise SpecError(f"{run.folder}: this run is of another job. Give a run of this job.")


def _sizes(plan: AlignedPlan, rows: dict[str, int], shared: int, rounds: int) -> Sizes:
    expected = plan.job.expected
    columns = expected.columns if plan.listens and expected else len(plan.train.names)
    if plan.loaded.scores:
        requests = plan.loaded.system.most_requests(plan.loaded.spec)
        return Sizes(rows, shared, 0, shared, {}, 0, columns, requests)
    fold = plan.loaded.data.fold
    if fold is not None:
        kept = 0 if plan.test is not None else round(shared * plan.loaded.data.test_share)
        train = left(shared - kept, fold)
        test_rows = {} if plan.test is None else dict.fromkeys(rows, len(plan.test))
        test = shared - kept - train
        return Sizes(rows, shared, train, test, test_rows, rounds, columns)
    if plan.test is not None:
        test_rows = dict.fromkeys(rows, len(plan.test))
        return Sizes(rows, shared, shared, len(plan.test), test_rows, rounds, columns)
    test = round(shared * plan.loaded.data.test_share)
    return Sizes(rows, shared, shared - test, test, {}, rounds, columns)
