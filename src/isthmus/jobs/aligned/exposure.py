"""Counts what trainings tell each peer over all runs of this party, and ends it by its policy.

| when              | function  |
|-------------------|-----------|
| before contact    | `check`   |
| before training   | `begin`   |
| for people        | `facts`, `of_run` |

An alignment can be reused, so what is told is counted when a training starts, once for all attempts
of a run. A second run counts again, of the same job too: this party cannot see whether its peer
brings the same columns.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from math import isfinite

from isthmus.core.arrays import Floats
from isthmus.core.errors import PolicyError, SpecError
from isthmus.data.identifiers import canonical
from isthmus.data.table import Table
from isthmus.jobs.aligned.job import preparation_of
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.result import Exposed
from isthmus.store.exposures import Earlier, Exposure, Exposures
from isthmus.store.runs import Run
from isthmus.vertical.preparation import system as preparing
from isthmus.vertical.system import (
    EQUATIONS,
    NODES,
    SLOPES,
    CountsEquations,
    CountsWhatIsTold,
    Telling,
)

_WORDS = {
    EQUATIONS: "equations about each rarer label",
    NODES: "nodes of trees, which say of rows that their labels are alike",
    SLOPES: "combinations of this party's columns at most",
}
_FOLDER = "exposures"
"""In a folder of runs."""

_TRAINING = "Nothing of the training was sent."
_KEYS = {EQUATIONS: "label_exposure", NODES: "nodes", SLOPES: "slopes"}


def check(plan: AlignedPlan, most_rows: int, resumed: Run | None) -> None:
    """Refuse a training that would tell too much even with the most rows, before any contact.

    Args:
        plan: The job and the party.
        most_rows: The most rows that it can train on.
        resumed: The run that goes on, which may have been counted; None for another run.

    Raises:
        PolicyError: It is more than the policy of the party allows.
        SpecError: It is more than the job allows.
    """
    counted = "" if resumed is None or not resumed.ledger.exists() else _name(resumed)
    for peer in plan.neighbours:
        now = _told(plan, peer, max(1, most_rows), plan.train.label)
        earlier = _store(plan).so_far(peer, _dataset(plan), but=counted)
        for kind, sentence in _excesses(plan, peer, now, earlier):
            of_job = getattr(plan.party.policy, _KEYS[kind]) is None
            raise (SpecError if of_job else PolicyError)(f"{sentence} Nothing was sent.")


def begin(plan: AlignedPlan, run: Run, train: Table) -> None:
    """Count a training that is about to start, if the policy allows it.

    Args:
        plan: The job and the party.
        run: The run; its ledger has messages already.
        train: The rows to train on.

    Raises:
        PolicyError: It would tell more than the party allows, or its rows differ by too few from
            those of an earlier training.
        DiskError: The disk is full.
    """
    label = train.label
    if label is not None:  # rows of weight 0 hide nothing
        label = label[train.weights > 0]
    told = {peer: _told(plan, peer, len(train), label) for peer in plan.neighbours}
    if not any(told.values()):
        return
    dataset, name, store = _dataset(plan), _name(run), _store(plan)
    exposures = [
        Exposure(time.time(), name, peer, dataset, plan.digest, now) for peer, now in told.items()
    ]
    least = plan.party.policy.minimum_difference

    def allowed(exposure: Exposure, earlier: Earlier) -> None:
        for _, sentence in _excesses(plan, exposure.peer, exposure.told, earlier):
            raise PolicyError(f"{sentence} {_TRAINING}")
        if earlier.difference is not None:
            raise PolicyError(
                f"the {len(train):,} rows to train on differ by {earlier.difference:,} from those "
                f"of an earlier training with {exposure.peer!r}, and "
                f"`policy.minimum_difference` of your party file is {least:,}: what the two tell "
                "apart is about these few rows alone. Train on the same rows as before, or once "
                f"more of them have changed. {_TRAINING}"
            )

    store.begin(exposures, store.hashes(keys(train)), least, allowed)


def keys(train: Table) -> list[bytes]:
    """Returns what names rows in the record, however the job of a peer normalises identifiers."""
    return train.identifiers if train.keys is None else canonical(train.keys)


def facts(plan: AlignedPlan) -> dict[str, str]:
    """Returns what was told so far, and the most that may be, by name."""
    most, told = _most(plan), _kinds(plan)
    found = list[str]()
    for peer in plan.neighbours:
        earlier = _store(plan).so_far(peer, _dataset(plan)).told
        found += [
            f"{peer}: "
            f"{Exposed(peer, _words(plan, kind), 0, earlier.get(kind, 0), most.get(kind)).words}"
            for kind in told
        ]
    return {"told so far": "; ".join(found)} if found else {}


def of_run(plan: AlignedPlan, run: Run) -> list[Exposed]:
    """Returns what a run has told each peer, and with it all runs before."""
    most = _most(plan)
    if not most and not _kinds(plan):
        return []
    return [
        Exposed(each.peer, _words(plan, kind), told, each.total[kind], most.get(kind), kind)
        for each in _store(plan).of_run(_name(run))
        for kind, told in each.told.items()
    ]


def trained_among(trained: Run, rows: Table) -> int | None:
    """Count the rows that a run of this party trained on among others.

    Args:
        trained: The run.
        rows: Some rows of this party.

    Returns:
        How many; None where it is not recorded what the run trained on.
    """
    if not trained.ledger.exists():
        return None
    return Exposures(trained.folder.parent / _FOLDER).among(_name(trained), keys(rows))


def _excesses(
    plan: AlignedPlan, peer: str, now: Mapping[str, float], earlier: Earlier
) -> Iterator[tuple[str, str]]:
    """Yields each kind of which a training would tell too much, and a sentence about it."""
    for kind, limit in _most(plan).items():
        before, more = earlier.told.get(kind, 0.0), now.get(kind, 0.0)
        if before + more > limit:
            yield kind, _excess(plan, peer, kind, (before, more, limit), earlier.trainings)


def _excess(
    plan: AlignedPlan,
    peer: str,
    kind: str,
    told: tuple[float, float, float],
    trainings: int,
) -> str:
    before, more, limit = told
    words, whence = _words(plan, kind), _whence(plan, kind)
    if not trainings:
        return (
            f"this training would tell {peer!r} {more:.4g} {words}, and {whence} allows "
            f"{limit:,.4g}: bring more rows or train fewer columns, before you raise "
            f"`policy.{_KEYS[kind]}` of your party file."
        )
    count = "1 training" if trainings == 1 else f"{trainings} trainings"
    return (
        f"{count} on these data told {peer!r} {before:.4g} {words}, this one would tell "
        f"{more:.4g} more, and {whence} allows {limit:,.4g} in all: what each tells adds up. Ask "
        f"{peer!r} why it needs another training before you raise `policy.{_KEYS[kind]}` of your "
        "party file."
    )


def _words(plan: AlignedPlan, kind: str) -> str:
    system: object = plan.loaded.code
    if kind == EQUATIONS and isinstance(system, CountsEquations):
        return f"equations about each {system.rare_labels(plan.loaded.spec)}"
    return _WORDS[kind]


def _whence(plan: AlignedPlan, kind: str) -> str:
    if getattr(plan.party.policy, _KEYS[kind]) is None:
        return f"`{plan.loaded.table}.{_KEYS[kind]}` of the job"
    return f"`policy.{_KEYS[kind]}` of your party file"


def _most(plan: AlignedPlan) -> dict[str, float]:
    """The limits of the party, or else those of the job, by what they are about."""
    system, policy = plan.loaded.code, plan.party.policy
    if not isinstance(system, CountsWhatIsTold):
        return {}
    ours = {EQUATIONS: policy.label_exposure, NODES: policy.nodes, SLOPES: policy.slopes}
    agreed = system.most_told(plan.loaded.spec)
    found = agreed | {kind: limit for kind, limit in ours.items() if limit is not None}
    told = _kinds(plan)
    return {kind: limit for kind, limit in found.items() if kind in told and isfinite(limit)}


def _kinds(plan: AlignedPlan) -> set[str]:
    return {kind for peer in plan.neighbours for kind in _told(plan, peer, 1)}


def _told(plan: AlignedPlan, peer: str, rows: int, label: Floats | None = None) -> dict[str, float]:
    system: object = plan.loaded.code
    if not plan.loaded.trains or plan.loaded.scores or not isinstance(system, CountsWhatIsTold):
        return {}
    passive = peer if plan.listens else plan.party.party
    telling = Telling(plan.role, passive, rows, label)
    told, preparation = system.told(plan.loaded.spec, telling), preparation_of(plan.loaded)
    if preparation is None:
        return told
    before = preparing.told(preparation, plan.loaded.spec, telling)
    return {kind: told.get(kind, 0.0) + before.get(kind, 0.0) for kind in {**told, **before}}


def _dataset(plan: AlignedPlan) -> str:
    return plan.party.datasets[plan.loaded.dataset].origin(plan.folder)


def _store(plan: AlignedPlan) -> Exposures:
    return Exposures(plan.runs / _FOLDER)


def _name(run: Run) -> str:
    """The same for all attempts of a run, and another one for every run: when it first sent."""
    with run.ledger.open("rb") as ledger:
        return hashlib.sha256(ledger.readline()).hexdigest()[:32]
