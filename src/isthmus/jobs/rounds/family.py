"""The family of jobs in rounds: what `jobs/plan.py` and `capabilities.py` ask for."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Sink
from isthmus.evaluation.comparison import tables_by_party
from isthmus.jobs import consent, earlier, limits
from isthmus.jobs.explain import check_same
from isthmus.jobs.handshake import meeting
from isthmus.jobs.plan import Loaded, Ready
from isthmus.jobs.result import Summary
from isthmus.jobs.rounds import job
from isthmus.jobs.rounds.plan import RoundsPlan, make_plan, under_masks, unknown_parties
from isthmus.jobs.rounds.results import AnyRoundsResult, RoundsResult, SimulatedRounds
from isthmus.jobs.summary import parties_facts, party_facts, suspects_facts
from isthmus.ledger.forecast import Sizes
from isthmus.ledger.record import reopen
from isthmus.nn.spec import type_of
from isthmus.store.runs import Run

ROLES = ("master", "child")
RESULTS = AnyRoundsResult
ENDS_WITH_DONE = False
"""Rounds end with the word of a child that it keeps the network."""

check = job.check
flows = job.flows
smallest = job.smallest
plan = make_plan


def steps(loaded: Loaded) -> list[str]:
    """Returns what will happen, in order, a sentence each."""
    spec, master = loaded.spec, loaded.first
    rule = str(loaded.spec.fusion.__struct_config__.tag)
    lacking = ", ".join(unknown_parties(loaded))
    known = [
        f"What children send is summed under masks ({under_masks(spec)}); they know each other's "
        f"keys by fingerprints in this job, which lacks {lacking or 'none'}."
    ]
    return [
        meeting(loaded),
        f"Each child finds samples of the type {type_of(spec.network)} in its "
        f"{loaded.dataset!r}, and says how many, or why it does not train.",
        f"In {spec.rounds.count} rounds at most, {master} sends parameters, each child trains them "
        f"on its own samples, and {master} fuses what they send by the rule {rule!r}.",
        *(known if under_masks(spec) else []),
        f"{master} publishes the result; each party measures it on test samples of its own.",
    ]


def peak(plan: RoundsPlan) -> int:
    """Returns about how many bytes of memory a run takes at this party at most."""
    from isthmus.jobs.rounds import peak

    return peak.forecast(plan, expected(plan))


def ready(plan: RoundsPlan) -> Ready:
    """Check keys and addresses, and return what this party brings."""
    from isthmus.jobs import connection  # it loads gRPC
    from isthmus.jobs.rounds import flower_keys, identities

    _check_keys(plan)
    _check_limits(plan)
    return Ready(
        party=plan.party.party,
        role=plan.role,
        rows=0 if plan.train is None else len(plan.train),
        columns=[] if plan.train is None else list(plan.train.names),
        test_rows=None if plan.test is None else len(plan.test),
        address=(flower_keys if plan.on_flower else connection).place(plan),
        certificate_expires=connection.expires(plan),
        warnings=[
            *limits.warnings(plan, consent.crossings(plan.loaded, expected(plan))),
            *identities.warnings(plan),
        ],
    )


def expected(plan: RoundsPlan) -> Sizes:
    """Returns what to reckon with: the model and the rounds, not who has how many samples."""
    agreed, spec = plan.job, plan.loaded.spec
    rounds = agreed.expected.rounds if agreed.expected else spec.rounds.count
    rows = dict.fromkeys(agreed.parties, 0)
    return Sizes(rows, 0, train=1, test=0, test_rows={}, rounds=rounds)


def measured(plan: RoundsPlan, run: Run) -> Sizes:
    """Returns the sizes that a finished run of this plan had."""
    result = run.read_json(run.result.name, RoundsResult)
    check_same(plan, run, result)
    return replace(expected(plan), rounds=result.rounds)


def assumptions(_plan: RoundsPlan, sizes: Sizes) -> dict[str, int]:
    """Returns the sizes that a forecast depends on, by name."""
    return {"rounds": sizes.rounds}


def play(plan: RoundsPlan, into: Path | None, watch: Sink) -> Run:
    """Train in rounds as this party, store and measure; or do what is left of a run.

    | the run was stopped, or ended              | the same command                              |
    |--------------------------------------------|-----------------------------------------------|
    | before the network was stored here         | goes on with the other parties                |
    | while the network was measured             | measures it; nobody else is needed            |
    | before all children had said that they     | offers it to them, each time, for `OFFER`     |
    | have the network, at the master            |                                               |

    Args:
        plan: What we are about to run.
        into: Folder for the run; by default one in the party's runs folder.
        watch: Sees every event as it happens.

    Returns:
        The run.

    Raises:
        IsthmusError: Whatever stops the role.
    """
    from isthmus.jobs import session  # they load gRPC and PyTorch
    from isthmus.jobs.rounds import run

    stopped = earlier.newest(plan, into)
    if stopped is not None and stopped.unmeasured:
        with session.again(plan, stopped, watch) as opened:
            session.seal_left_open(plan, stopped)
            run.measure_again(opened)
        return stopped
    _check_keys(plan)
    if stopped is not None and stopped.unconfirmed:
        return _offered(plan, stopped, watch)
    if plan.party.policy.maximum_bytes is not None:  # sizes are known from the network, as made
        _check_limits(plan)
    with session.begin(plan, into, watch) as opened:
        run.play(opened)
    return opened.run


def _offered(plan: RoundsPlan, finished: Run, watch: Sink) -> Run:
    """Offer the network of a finished run to children that may have gone without it."""
    from isthmus.horizontal.rounds.protocol import OFFER  # it loads NumPy
    from isthmus.jobs import session
    from isthmus.jobs.rounds import run

    party = msgspec.structs.replace(plan.party, wait=min(plan.party.wait, OFFER))
    with finished.locked():
        reopen(finished.ledger)
    with session.begin(replace(plan, party=party), finished.folder, watch) as opened:
        run.offer_again(opened)
    return finished


def align(plan: RoundsPlan, into: Path | None, watch: Sink) -> Run:
    """Refuse to align rows: nobody else holds them.

    Args:
        plan: The plan.
        into: Not used.
        watch: Not used.

    Returns:
        Nothing, ever.

    Raises:
        SpecError: Always.
    """
    del into, watch
    raise SpecError(
        f"{plan.loaded.path}: the parties of this job hold samples of their own, so there are no "
        "rows to align. Use `isthmus run`."
    )


def put_together(loaded: Loaded, run: Run, seconds: float) -> SimulatedRounds:
    """Returns the result of a simulated run, from the results of its parties."""
    from isthmus.jobs.rounds import simulated  # it loads PyTorch

    return simulated.put_together(loaded, run, seconds)


def compare(
    loaded: Loaded, plans: Mapping[str, RoundsPlan], _run: Run, result: SimulatedRounds
) -> SimulatedRounds:
    """Returns the result of a simulated run, beside other ways of training on the same samples."""
    from isthmus.jobs.rounds import simulated  # it loads PyTorch

    return simulated.compare(loaded, plans, result)


def page(run: Run, simulated: Run | None) -> str:
    """Returns the report of a run as HTML."""
    from isthmus.evaluation.pages import rounds_report  # it loads Matplotlib
    from isthmus.jobs.rounds import report

    return rounds_report.render(report.read(run, simulated))


def summary(run: Run, result: AnyRoundsResult) -> Summary:
    """Returns the end of a run for people."""
    facts = [("training", result.ending)]
    facts += suspects_facts(result.suspects)
    if isinstance(result, RoundsResult):
        if result.epsilon is not None:
            facts.append(("epsilon", f"{result.epsilon:.4g}"))
        return Summary(metrics=result.metrics, facts=[*facts, *party_facts(run, result)])
    weights = [(child, f"{weight:.3f}") for child, weight in result.weights.items()]
    tables = tables_by_party(result.metrics_by_party)
    if weights:
        tables.append((("child", "weight in the last round #"), weights))
    return Summary(
        metrics=result.metrics,
        tables=tables,
        facts=[*facts, *parties_facts(result, result.reports)],
    )


def _check_keys(plan: RoundsPlan) -> None:
    from isthmus.jobs import connection  # it loads gRPC
    from isthmus.jobs.rounds import flower_keys, identities

    (flower_keys if plan.on_flower else connection).check(plan)
    identities.of(plan)


def _check_limits(plan: RoundsPlan) -> None:
    """Refuse what a single round would send too much of."""
    limits.check(plan, consent.crossings(plan.loaded, replace(expected(plan), rounds=1)))
