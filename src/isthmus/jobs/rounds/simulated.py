"""The results of all parties of a simulated run in one, beside other ways of training."""

from collections.abc import Mapping

from isthmus.jobs import simulated
from isthmus.jobs.plan import Loaded
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.jobs.rounds.results import RoundsResult, SimulatedRounds
from isthmus.nn import threads
from isthmus.store.runs import Run
from isthmus.system import Traffic


def put_together(
    loaded: Loaded, plans: Mapping[str, RoundsPlan], run: Run, seconds: float
) -> SimulatedRounds:
    """Put the results of all parties together.

    Args:
        loaded: The job.
        plans: Of every party.
        run: The run, with one folder per party in it.
        seconds: That the processes of the parties took.

    Returns:
        The joint result, with what other ways of training reach on the same samples.
    """
    threads.use(plans[loaded.first].party.workers)
    results = simulated.results(run, loaded.job, RoundsResult)
    first = results[loaded.first]
    compared = loaded.system.compare(
        loaded.spec,
        {party: plan.local for party, plan in plans.items()},
        {party: result.metrics for party, result in results.items()},
    )
    return SimulatedRounds(
        **simulated.facts(loaded, results, seconds),
        system=loaded.table,
        rows={party: result.rows for party, result in results.items()},
        metrics=compared.metrics,
        metrics_by_party=compared.by_party,
        model=first.model,
        rounds=first.rounds,
        ending=first.ending,
        weights=first.weights,
        suspects=first.suspects,
        reports=simulated.reports(run, loaded.job),
        traffic=Traffic(sum(it.egress.bytes for it in results.values())),
        vocabulary=compared.vocabulary,
    )
