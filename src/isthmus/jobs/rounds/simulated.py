"""The results of all parties of a simulated run in one, beside other ways of training."""

from collections.abc import Mapping

import msgspec

from isthmus.horizontal.system import Compared, means
from isthmus.jobs import simulated
from isthmus.jobs.plan import Loaded
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.rounds.results import RoundsResult, SimulatedRounds
from isthmus.nn import threads
from isthmus.outcomes import Traffic
from isthmus.store.runs import Run


def put_together(loaded: Loaded, run: Run, seconds: float) -> SimulatedRounds:
    """Put the results of all parties together.

    Args:
        loaded: The job.
        run: The run, with one folder per party in it.
        seconds: That the processes of the parties took.

    Returns:
        The joint result.
    """
    results = simulated.results(run, loaded.job, RoundsResult)
    first = results[loaded.first]
    by_party = {party: result.metrics for party, result in results.items() if result.metrics}
    return SimulatedRounds(
        **simulated.facts(loaded, results, seconds),
        system=loaded.table,
        rows={party: result.rows for party, result in results.items()},
        metrics=means(by_party.values()),
        metrics_by_party=by_party,
        model=first.model,
        rounds=first.rounds,
        ending=first.ending,
        weights=first.weights,
        suspects=first.suspects,
        reports=simulated.reports(run, loaded.job),
        traffic=Traffic(sum(it.egress.bytes for it in results.values())),
        missing={
            f"{name} at {party}": why
            for party, result in results.items()
            for name, why in result.missing.items()
        },
    )


def compare(
    loaded: Loaded, plans: Mapping[str, RoundsPlan], result: SimulatedRounds
) -> SimulatedRounds:
    """Train in other ways on the same samples, and set their metrics beside those of the run.

    Args:
        loaded: The job.
        plans: Of every party.
        result: The joint result.

    Returns:
        The joint result with the metrics of other ways of training.
    """
    threads.use(plans[loaded.first].party.compute.workers or 1)
    compared: Compared = loaded.system.compare(
        loaded.spec,
        {party: plan.local for party, plan in plans.items()},
        {party: result.metrics_by_party.get(party, {}) for party in plans},
    )
    return msgspec.structs.replace(
        result,
        metrics=compared.metrics,
        metrics_by_party=compared.by_party,
        vocabulary=compared.vocabulary,
    )
