"""The active party's role: it has the labels, and columns of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import coding, model
from isthmus.vertical.boosting.coding import Facts
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.joint_source import JointSource
from isthmus.vertical.boosting.memory import ActiveMemory
from isthmus.vertical.boosting.messages import Codes, ColumnBins, Next, Scoring
from isthmus.vertical.boosting.model import ActivePart
from isthmus.vertical.boosting.predict import Scorer
from isthmus.vertical.boosting.problem import constraints, problem
from isthmus.vertical.boosting.remote_source import RemoteSource, View
from isthmus.vertical.boosting.scoring import receive_scores
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import boost
from isthmus.vertical.boosting.trees.boost import BoostingState
from isthmus.vertical.boosting.trees.local import LocalSource
from isthmus.vertical.boosting.workers import start_calculator, worthwhile
from isthmus.vertical.checks import checked


@dataclass(frozen=True)
class Trained:
    """The result of training and scoring at the active party."""

    part: ActivePart

    predictions: Floats
    """Expected labels of the test rows, or probabilities of classes, shape (outputs, rows)."""

    training: Floats | None
    """Expected labels of the training rows, shape (rows,); None for several classes, or where a run
    went on after its best round."""

    losses: list[tuple[float, float]]
    """Loss on training rows and on held-out rows after each round; NaN if there are no rows."""

    views: dict[str, list[View]]
    """The nodes that each other party saw of each tree: see `View`."""

    randomness: Randomness
    """The seeds of random choices, including the secret seed."""


def active(  # noqa: PLR0913, PLR0915 - the caller knows all of these, and nobody else does
    passives: Mapping[str, Channel],
    rows: Rows,
    spec: Boosting,
    randomness: Randomness,
    telemetry: Telemetry,
    memory: ActiveMemory,
    *,
    engine: Engine = "auto",
    workers: int | None = None,
) -> Trained:
    """Train trees over the columns of all parties, then score the test rows.

    We learn sums of gradients by group of bins of the other parties' codes, and which rows go left
    at their splits; they learn which rows are together in a node. See `messages.py`.

    Args:
        passives: The channels to the passive parties.
        rows: Our columns and labels, in the common order.
        spec: The `[boosting]` table.
        randomness: The seeds of random choices.
        telemetry: Receives progress.
        memory: The state of an interrupted run, or empty; saved again after each tree.
        engine: What we ask to compute our encryption with.
        workers: Number of processes of this machine that encrypt; None: as many as pay.

    Returns:
        Our part of the model, the predictions for the test rows, and the losses of all rounds.

    Raises:
        SpecError: Our columns or labels do not fit the job.
        JobError: The job's encryption is too small for this number of rows.
        PeerError: A passive party broke the protocol.
    """
    # 1. Find the bins of our columns, and receive the facts about all others.
    ours = coding.columns(rows.train, spec, randomness.job)
    memory.load(ours.fingerprint(rows, randomness.job))
    channels = [passives[party] for party in sorted(passives)]  # a fixed order for the codes
    announced = [_announced(passive, rows, spec) for passive in channels]

    # 2. Assign codes to all columns, and agree on the tree to resume after: the last one we saved,
    #    if all others were in that run. Make a key for this attempt only, and send the public key.
    if memory.state is None or any(theirs.run != memory.run for theirs in announced):
        memory.begin()
    randomness = replace(randomness, secret=memory.secret)
    facts = [Facts(theirs.categorical, theirs.bins) for theirs in announced]
    assigned = coding.assign_codes([ours.facts, *facts], constraints(rows, ours), randomness)
    task = problem(rows, assigned.book, spec, randomness)
    state = memory.state or boost.start(task)
    telemetry.progress("train", note="making a key")
    key = keys.generate(spec.encryption.scheme, engine, spec.encryption.key_bits)
    public = key.public.dump()
    for passive, theirs in zip(channels, assigned.codes[1:], strict=True):
        passive.send(Codes(codes=theirs, key=public, run=memory.run, trees=len(state.trees)))

    # 3. Grow trees.
    local = LocalSource(
        ours.bins, assigned.codes[0], int(assigned.book.bins.max()), spec.minimum_bin_rows
    )
    remotes = [RemoteSource(passive, assigned.book, key, telemetry) for passive in channels]
    for remote in remotes:
        remote.views += memory.views.get(remote.party, [])
    count = workers or worthwhile(spec, engine, len(rows.train))
    with start_calculator(count, spec.encryption, engine, key.public) as calculator:
        source = JointSource(local, remotes, task, calculator, telemetry)
        source.tree = len(state.trees)
        kept = state if boost.is_kept(state, spec) else None
        for step in boost.boost(task, source, state):
            source.tree, state = len(step.trees), step
            if state.growth is None:
                memory.keep(state, {remote.party: remote.views for remote in remotes})
                kept = state if boost.is_kept(state, spec) else kept
                _report(state, spec, telemetry)

    # 4. Score.
    trees = boost.ensemble(state, spec)
    columns = model.columns(ours.binnings, assigned.codes[0])
    codes = dict(zip(sorted(passives), assigned.codes[1:], strict=True))
    part = model.active_part(memory.run, spec, columns, codes, assigned.book.bins, trees)
    return Trained(
        part=part,
        predictions=_score(passives, part, rows.test),
        training=_training(kept, spec),
        losses=list(state.losses),
        views={remote.party: remote.views for remote in remotes},
        randomness=randomness,
    )


def _training(kept: BoostingState | None, spec: Boosting) -> Floats | None:
    if kept is None or spec.outputs > 1:
        return None
    scores: Floats = boost.training_scores(kept, spec)[0]
    return scores


def _announced(passive: Channel, rows: Rows, spec: Boosting) -> ColumnBins:
    theirs = passive.receive(ColumnBins)
    if (theirs.train_rows, theirs.test_rows) != (len(rows.train), len(rows.test)):
        raise PeerError(
            f"{passive.peer!r} brings {theirs.train_rows} rows to train on and {theirs.test_rows} "
            f"to score, where {len(rows.train)} and {len(rows.test)} were due: start all again."
        )
    with checked(passive, ColumnBins):
        if theirs.bins.ndim != 1 or theirs.bins.shape != theirs.categorical.shape:
            raise ValueError("it does not say of each column how many bins it has")
        if not len(theirs.bins):
            raise ValueError("it has no columns")
        if theirs.bins.min() < 2 or theirs.bins.max() > spec.bins + 1:  # noqa: PLR2004
            raise ValueError("a column has more bins than the job allows, or fewer than two")
    return theirs


def _report(state: BoostingState, spec: Boosting, telemetry: Telemetry) -> None:
    if len(state.trees) % spec.outputs == 0:
        training, held_out = state.losses[-1]
        metrics = {"loss": training, "validation_loss": held_out}
        known = {name: value for name, value in metrics.items() if not np.isnan(value)}
        telemetry.progress("train", len(state.losses), spec.trees, note="", **known)


def _score(passives: Mapping[str, Channel], part: ActivePart, test: Table) -> Floats:
    for passive in passives.values():
        passive.send(Next(task="score"))
        passive.send(Scoring(trees=len(part.trees)))
    return receive_scores(passives, Scorer(part), test, part.spec.block_rows)
