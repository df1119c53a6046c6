"""A passive party's role at the level `shared`: it has columns but no labels."""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError
from isthmus.vertical.checks import checked
from isthmus.vertical.regression import limits, model, scaling
from isthmus.vertical.regression.columns import standardised
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.messages import PartialPredictor
from isthmus.vertical.regression.products import capacity
from isthmus.vertical.regression.products.messages import OpenedSums
from isthmus.vertical.regression.products.workers import start_workers
from isthmus.vertical.regression.shared import counts, descent, exchange, expansion
from isthmus.vertical.regression.shared.coefficients import Coefficients
from isthmus.vertical.regression.shared.exchange import Training
from isthmus.vertical.regression.shared.messages import (
    InnerProducts,
    PassiveSpread,
    SharedShape,
    SharedStart,
    Spreads,
)
from isthmus.vertical.regression.shared.passive_shares import FirstPassive, FurtherPassive
from isthmus.vertical.regression.shares import Hearing, Shares, agree
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.regression.trained import PassiveTrained
from isthmus.vertical.system import RoleContext


def passive(spec: Regression, context: RoleContext, memory: Memory) -> PassiveTrained:
    """Train the coefficients of our columns, then score the test rows.

    We learn the gradient of our own coefficients in every round, but no residual and no label. The
    active party learns that of its own, and nothing else of our columns until it scores; see
    `messages.py`.

    Args:
        spec: The `[regression]` table.
        context: The channel to the active party, and our rows in the common order.
        memory: Rounds of an interrupted run, or empty; new rounds are added.

    Returns:
        Our part of the model, and how training ended.

    Raises:
        PolicyError: A column would tell labels of single rows.
        SpecError: A column cannot be used.
        PeerError: The active party broke the protocol.
    """
    # 1. Standardise and quantise our columns: all of training uses exactly these values.
    train, test = context.train, context.test
    scale = scaling.fit(train)
    columns = standardised(train.features, scale, spec.feature_bits)
    limits.check_columns(train.names, columns.narrow(), context.minimum_column_rows)

    # 2. Agree on sizes and on the round to resume from; agree on masks with other passive parties.
    (active,) = context.peers.values()
    active.send(SharedShape(rows=len(train), columns=len(train.names), rounds=len(memory)))
    hearing = Hearing(active)
    start = hearing.receive(SharedStart)
    memory.go_on_after(start.rounds, active.peer)
    shares = Shares(hearing, spec.block_rows, agree(hearing, context.identity))
    ours = Coefficients(columns, spec, float(2.0**start.curvature))
    ours.restore(memory.last() or {"weights": ours.weights})

    # 3. Train.
    _train(spec, context, memory, ours, hearing, shares)
    part = model.named(model.part(spec.family, train.names, scale, ours.weights), start.run)

    # 4. Score.
    shares.rows(PartialPredictor, part.predictor(test.features))
    norm, rounds = float(memory.last()["norm"]), spec.sharing.rounds
    return PassiveTrained(
        part,
        rounds,
        norm < spec.tolerance,
        exchange.ending(spec, norm),
        exchange.functions(memory),
    )


def _train(
    spec: Regression,
    context: RoleContext,
    memory: Memory,
    ours: Coefficients,
    hearing: Hearing,
    shares: Shares,
) -> None:
    """Play all rounds: every run does as many as the job says."""
    names = sorted(context.identity.fingerprints) if context.identity else [context.party]
    play = FirstPassive if names[0] == context.party else FurtherPassive
    count = context.workers or capacity.worthwhile(
        spec.encryption, context.engine, len(context.train), len(ours.columns.steps)
    )
    with start_workers(count, context.cluster) as workers:
        training = Training(spec, context, names, workers)
        role = play(hearing, training, ours.columns)
        for number in range(len(memory), spec.sharing.rounds):
            context.telemetry.progress("train", number, spec.sharing.rounds)
            # 1. Tell how large our share of the predictor is, and learn that of all: this chooses
            #    the functions of the round.
            share = ours.share()
            level = expansion.level(spec, share)
            hearing.active.send(PassiveSpread(level=level, seed=role.draw_seed()))
            with context.telemetry.timed("transport"):
                spreads = hearing.receive(Spreads)
            _check_spreads(hearing.active.peer, spreads, level, training)

            # 2. Get shares of the residuals: s at the first passive party, r at the active one, and
            #    s - r are they. Get our gradient, X^T s - X^T r.
            sums, bits = role.sums(share, spreads, number)
            with checked(hearing.active, OpenedSums):
                memory.check_gradient(number, sums)

            # 3. Add up inner products, and make a step.
            shares.numbers(ours.products(sums, bits))
            shown = _inner_products(hearing)
            ours.move(shown)
            memory.add(
                **ours.state,
                norm=descent.norm(shown),
                functions=exchange.with_count(memory, spreads.functions),
            )


def _check_spreads(active: str, spreads: Spreads, level: int, training: Training) -> None:
    passives = len(training.passives)
    due = 1 + passives, 0 if training.adds_up else passives
    place = 1 + training.passives.index(training.context.party)
    found = len(spreads.levels), len(spreads.seeds)
    if found != due or spreads.levels[place] != level:
        raise PeerError(
            f"{active!r} sent spreads {spreads.levels} and {found[1]} seeds, where those of "
            f"{due[0]} parties, {level} among them, and {due[1]} seeds were due. Compare "
            "`isthmus version` on both sides."
        )
    fewest = counts.fewest_products(training.spec, passives)
    most = counts.most_products(training.spec, passives)
    if not fewest <= spreads.functions <= most:
        raise PeerError(
            f"{active!r} wants {spreads.functions} functions in a round, where the job allows "
            f"{fewest} to {most}. Compare `isthmus version` on both sides."
        )


def _inner_products(hearing: Hearing) -> Floats:
    values = hearing.receive(InnerProducts).values
    if values.shape != (descent.SHOWN,):
        raise PeerError(
            f"{hearing.active.peer!r} sent inner products of shape {values.shape}, where "
            f"{descent.SHOWN} were due. Compare `isthmus version` on both sides."
        )
    return np.array(values)
