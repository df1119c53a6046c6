"""Refuses what the files of one party rule out, before anybody is contacted.

A finished alignment tells who is shared, and counts against a limit. So a job that could not go on
after it is refused before it, by the best case that the data of this party allow.
"""

import math

from isthmus.alignment.cryptographic.rows import chosen_protocol
from isthmus.alignment.cryptographic.spec import OBLIVIOUS_FROM, CryptographicAlignment
from isthmus.core.errors import PolicyError, naming_file
from isthmus.data.index import split
from isthmus.data.table import Table
from isthmus.jobs import consent, limits
from isthmus.jobs.aligned import exposure
from isthmus.jobs.aligned.alignment import held, started, terms
from isthmus.jobs.aligned.job import alignment_of
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.aligned.rows import left
from isthmus.jobs.consent import Crossing
from isthmus.ledger.forecast import Sizes
from isthmus.store.runs import Run
from isthmus.vertical.system import PlansAhead, ProtectsRareValues

_DEVIATIONS = 6
"""Standard deviations that a random split stays within."""


def check(plan: AlignedPlan) -> None:
    """Refuse a job that cannot end well for this party.

    Args:
        plan: The job and the party.

    Raises:
        PolicyError: Its policy would stop every run.
        SpecError: The job cannot train on the most rows that there can be, or a message is too
            large.
    """
    _check_protocol(plan)
    most = _most_shared(plan)
    _check_shared(plan, most)
    if plan.loaded.trains and isinstance(plan.loaded.code, PlansAhead):
        with naming_file(plan.loaded.path):
            plan.loaded.code.check_rows(plan.loaded.spec, _most_trained(plan, most))
    if plan.loaded.trains:
        check_columns(plan, plan.as_trained.train)
    limits.check(plan, _certain(plan))


def check_columns(plan: AlignedPlan, rows: Table) -> None:
    """Refuse columns that tell so few rows from all others that their labels would be told.

    Args:
        plan: The job and the party.
        rows: Rows of ours, in which those to train on are.

    Raises:
        PolicyError: There is such a column, by the policy of the party.
    """
    system: object = plan.loaded.code
    if isinstance(system, ProtectsRareValues):
        least = plan.party.policy.minimum_column_rows
        try:
            system.check_columns(plan.loaded.spec, plan.role, rows, least)
        except PolicyError as error:
            raise PolicyError(f"{plan.party_file}: {error}") from None


def check_budget(plan: AlignedPlan, resumed: Run | None) -> None:
    """Refuse a run that needs a new alignment, or tells more, than the policy allows.

    Args:
        plan: The job and the party.
        resumed: The run that goes on; None for another run.

    Raises:
        PolicyError: As many were started as the party allows, or as much was told.
        SpecError: As much was told as the job allows.
    """
    exposure.check(plan, _most_trained(plan, _most_shared(plan)), resumed)
    if held(plan) is not None:
        return
    most = plan.party.policy.alignments
    for peer, count in started(plan).items():
        if count >= most:
            raise PolicyError(
                f"{count} alignments of this data with {peer!r} were started so far, and "
                f"`policy.alignments` of your party file is {most}. Every alignment tells again "
                f"who is shared: ask {peer!r} why it needs another one before you raise the limit. "
                "Nothing was sent."
            )


def facts(plan: AlignedPlan) -> dict[str, str]:
    """Returns what is worth knowing before a run, by name."""
    told = exposure.facts(plan)
    if held(plan) is not None:
        kept = "kept from an earlier run; taken up again if all parties hold it"
        return {"alignment": kept, **told}
    most = plan.party.policy.alignments
    counts = (f"{count} of {most} with {peer}" for peer, count in started(plan).items())
    return {"alignments so far": ", ".join(counts), **told}


def warnings(plan: AlignedPlan, expected: Sizes) -> list[str]:
    """Returns a sentence for each limit that a run may reach after it has resumed."""
    return limits.warnings(plan, consent.crossings(plan.loaded, expected))


def _check_protocol(plan: AlignedPlan) -> None:
    """Refuse a protocol that our policy does not accept, where our own rows decide on it."""
    spec, ours = alignment_of(plan.job), len(plan.train)
    if not isinstance(spec, CryptographicAlignment):
        return
    if spec.protocol != "auto" or ours >= OBLIVIOUS_FROM:
        chosen_protocol(terms(plan, spec), ours, ours)


def _check_shared(plan: AlignedPlan, most: int) -> None:
    asked = plan.party.policy.minimum_shared
    if most >= asked:
        return
    others = [
        f"the job lets {name!r} bring {member.rows:,}"
        for name, member in plan.job.peers(plan.party.party).items()
        if member.rows is not None
    ]
    raise PolicyError(
        f"{most:,} rows are the most that can be shared (you bring {len(plan.train):,}"
        f"{''.join(f', {each}' for each in others)}), and `policy.minimum_shared` of your party "
        f"file asks for {asked:,}: a model of few rows tells about each of them. Bring more rows, "
        "or lower the minimum. Nothing was sent."
    )


def _most_shared(plan: AlignedPlan) -> int:
    others = (member.rows for member in plan.job.peers(plan.party.party).values())
    return min([len(plan.train), *(rows for rows in others if rows is not None)])


def _most_trained(plan: AlignedPlan, shared: int) -> int:
    """The most training rows of the most shared ones: our own split is known before the others'."""
    data, most = plan.loaded.data, shared
    if data.test is None:
        train, _ = split(plan.train.identifiers, data.test_share, plan.job.seed)
        most = min(shared, len(train))
    return left(most, data.fold)


def _certain(plan: AlignedPlan) -> list[Crossing]:
    """Messages that every run sends, from any party, at the least sizes."""
    loaded, system = plan.loaded, plan.loaded.code
    fewest = max(alignment_of(plan.job).minimum_size, plan.party.policy.minimum_shared)
    rows = dict.fromkeys(plan.job.parties, fewest) | {plan.party.party: len(plan.train)}
    test_rows = {} if plan.test is None else dict.fromkeys(rows, 1)
    share = 0.0 if plan.test is not None else loaded.data.test_share
    spread = _DEVIATIONS * math.sqrt(fewest * share * (1 - share))
    train = max(1, left(int(fewest * (1 - share) - spread), loaded.data.fold))
    sizes = Sizes(rows, fewest, train, test=0, test_rows=test_rows, rounds=1)
    found = list[Crossing]()
    if held(plan) is None:
        found += consent.steps(loaded, sizes)[1]
    if loaded.trains and isinstance(system, PlansAhead):
        for other in plan.job.peers(loaded.first):
            flows = system.least(loaded.spec, other, sizes)
            found += (consent.between(plan.job, loaded.first, other, flow) for flow in flows)
    return found
