"""The active party's role at the level `shared`: it has the labels, and columns of its own."""

import secrets
from collections.abc import Sequence

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.core.errors import PeerError, SpecError
from isthmus.crypto.lattice.owner import new_seed
from isthmus.crypto.lattice.shares import Multiplier, Terms
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.checks import checked
from isthmus.vertical.regression import families, limits, model, scaling
from isthmus.vertical.regression.columns import quantised
from isthmus.vertical.regression.memory import Memory, Round
from isthmus.vertical.regression.messages import PartialPredictor
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.products import capacity
from isthmus.vertical.regression.products.workers import start_workers
from isthmus.vertical.regression.scaling import Label
from isthmus.vertical.regression.shared import descent, exchange, expansion, rounding
from isthmus.vertical.regression.shared.coefficients import Coefficients
from isthmus.vertical.regression.shared.exchange import Training
from isthmus.vertical.regression.shared.messages import (
    FactorKey,
    Factors,
    InnerProducts,
    MaskedResiduals,
    PassiveSpread,
    ResidualScale,
    SharedShape,
    SharedStart,
    Spreads,
)
from isthmus.vertical.regression.shares import Totals, relay, tell
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.regression.trained import ActiveTrained
from isthmus.vertical.system import RoleContext


def active(spec: Regression, context: RoleContext, memory: Memory) -> ActiveTrained:
    """Train our coefficients together with those of the passive parties, then score the test rows.

    We learn the gradient of our own coefficients in every round, and the passive parties' share of
    each test score; each of them learns the gradient of its own coefficients. See `messages.py`.

    Args:
        spec: The `[regression]` table.
        context: The channels to the passive parties, and our rows in the common order.
        memory: Rounds of an interrupted run, or empty; new rounds are added.

    Returns:
        Our part of the model, the predictions for the test rows, and the rounds of training.

    Raises:
        PolicyError: A column of ours would tell others' shares of single rows.
        SpecError: The labels do not fit the family, a column cannot be used, or a passive party
            would learn too much about the labels.
        PeerError: A passive party broke the protocol.
    """
    # 1. Standardise and quantise our columns: all of training uses exactly these values. Fit a
    #    model on our columns only and start from it: at coefficients of zero, a residual is the
    #    label.
    train, test = context.train, context.test
    scale, label = scaling.fit(train), scaling.label(train, spec)
    # The intercept is the last column.
    columns = quantised(scale.with_ones(train.features), spec.feature_bits)
    limits.check_columns(train.names, columns.narrow()[:, :-1], context.minimum_column_rows)
    alone = train_pooled(train, spec)
    loss, x = Loss(families.likelihood(spec), label), columns.values()
    curvature = loss.curvature(x @ alone.weights + loss.offset)

    # 2. Agree on sizes; refuse to reveal more about the labels than the job allows. Go on after the
    #    last round that all have kept.
    names = sorted(context.peers)
    passives = [context.peers[name] for name in names]
    rounds = [_announced(passive, train, spec) for passive in passives]
    memory.rewind(memory.common(rounds))
    run = secrets.token_hex(16)
    exponent = int(np.log2(curvature))
    tell(passives, SharedStart(rounds=len(memory), run=run, curvature=exponent))
    relay(passives)
    ours = Coefficients(columns, spec, curvature, free=1)
    ours.restore(memory.last() or {"weights": alone.weights})

    # 3. Train.
    totals = Totals(passives, spec.block_rows)
    _train(spec, context, memory, ours, label, totals)
    part = model.part(spec.family, train.names, scale, ours.weights[:-1])
    part = model.named(model.labelled(part, ours.weights[-1], label), run)

    # 4. Score.
    theirs = totals.rows(PartialPredictor, len(test))
    predictions = part.predict(test.features, theirs, test.offsets)
    norm = float(memory.last()["norm"])
    return ActiveTrained(
        part=part,
        alone=alone,
        predictions=predictions,
        training=None,
        rounds=memory.rounds,
        converged=norm < spec.tolerance,
        ending=exchange.ending(spec, norm) + _approximation(spec, memory),
        functions=exchange.functions(memory),
    )


def _train(
    spec: Regression,
    context: RoleContext,
    memory: Memory,
    ours: Coefficients,
    label: Label,
    totals: Totals,
) -> None:
    """Play all rounds: every run does as many as the job says."""
    passives = totals.passives
    count = context.workers or capacity.worthwhile(
        spec.encryption, context.engine, len(context.train), spec.most_columns
    )
    with start_workers(count, context.cluster) as workers:
        training = Training(spec, context, [each.peer for each in passives], workers)
        residuals = _Residuals(passives, training, label)
        give = [training.values_for(each, at) for at, each in enumerate(passives, start=1)]
        take = training.columns_at(passives[0], ours.columns)
        for number in range(len(memory), spec.sharing.rounds):
            # 1. Get shares of the residuals: r here, s at the first passive party, and s - r are
            #    they.
            share, bits = residuals(ours.share() + label.offset, number)

            # 2. Give passive parties what they need for their gradients, and get ours.
            theirs = exchange.in_both_directions(give[0], take, share)
            for values in give[1:]:
                values(share)
            for passive in passives[1:]:
                exchange.pass_on_product(training, passives[0], passive)
            products = rounding.product(ours.columns, rounding.negative(share))
            sums = rounding.sums(products, theirs)

            # 3. Add up inner products, and make a step.
            shown = ours.products(sums, bits) + totals.numbers(descent.SHOWN)
            tell(passives, InnerProducts(values=shown))
            ours.move(shown)
            norm = descent.norm(shown)
            memory.rounds.append(Round(np.nan, float(norm)))
            memory.add(
                **ours.state,
                norm=norm,
                levels=np.array(residuals.spreads.levels, np.float64),
                functions=exchange.with_count(memory, residuals.spreads.functions),
            )
            context.telemetry.progress(
                "train", number + 1, spec.sharing.rounds, gradient_norm=float(norm)
            )


def _announced(passive: Channel, train: Table, spec: Regression) -> int:
    # Returns the rounds that a passive party has finished, if it brings what is due.
    shape, rows, columns = passive.receive(SharedShape), len(train), spec.columns_of(passive.peer)
    if (shape.rows, shape.columns) != (rows, columns):
        raise PeerError(
            f"{passive.peer!r} brings {shape.rows} training rows x {shape.columns} columns where "
            f"{rows} x {columns} were due. If the rows differ, start both sides again; if the "
            "columns do, agree on `regression.passive_columns`."
        )
    rarer = limits.rarer(spec, scaling.counted_labels(train))
    told = limits.equations(spec, passive.peer) / max(rarer, 1)
    if told > spec.label_exposure:
        raise SpecError(  # its text stays here: it tells how rare the rarer label is
            f"{columns} columns of {passive.peer!r}, where {rarer:,} of {rows:,} rows have "
            f"{limits.a_rare_label(spec)}, would tell it {told:.3f} equations about each of these, "
            f"and the job allows {spec.label_exposure}. Use fewer columns, more rows, or, if all "
            "agree, a higher `regression.label_exposure`."
        )
    return shape.rounds


def _approximation(spec: Regression, memory: Memory) -> str:
    """Returns how well functions approximated residuals in the last round, and what would help."""
    levels = [int(level) for level in memory.last()["levels"]]
    count = exchange.functions(memory)[-1]
    error = expansion.expansion(spec, levels, count).error
    if error == 0:
        return ""
    told = f"; {count} functions approximate a probability to {error:.1g}"
    advice = expansion.advice(spec, levels)
    return f"{told}, {advice}" if advice else told


class _Residuals:
    """Our part in getting shares of the residuals of one round."""

    def __init__(self, peers: Sequence[Channel], training: Training, label: Label) -> None:
        self._peers, self._setting, self._label = peers, training, label

    def __call__(self, share: Floats, number: int) -> tuple[Integers, int]:
        """Returns our share of each residual, shape (rows,), and their bits after the point."""
        # 1. Gather how large the parties' shares of the predictor are: this chooses the functions.
        spec, seed = self._setting.spec, new_seed()
        timed = self._setting.context.telemetry.timed
        with timed("transport"):
            told = [peer.receive(PassiveSpread) for peer in self._peers]
        levels = [expansion.level(spec, share), *(each.level for each in told)]
        seeds = [each.seed for each in told[1:]]
        if not self._setting.adds_up:
            seeds.append(seed)
        count = expansion.products(spec, levels)
        self.spreads = Spreads(levels=levels, functions=count, seeds=seeds)
        tell(self._peers, self.spreads)
        functions = expansion.expansion(spec, levels, count)

        # 2. Compute our functions, weighted, and how large a residual may be.
        constant, factors = functions.of_active(share, self._label.values)
        whole, integers, scale = rounding.of_active(
            self._label.weight * constant,
            self._label.weight * factors,
            functions,
            self._setting.scale(functions),
            exchange.generator(0, number),
        )
        if self._setting.adds_up:
            tell(self._peers, ResidualScale(exponent=scale.exponent))
            return rounding.negative(whole), scale.bits

        # 3. Multiply what the passive parties have made, add up and mask: our share is the mask.
        terms = self._setting.terms(functions)
        multiplier = Multiplier(terms, seed)
        key = self._peers[0].receive(FactorKey)
        tell(self._peers[1:], key)
        with timed("encryption"), checked(self._peers[0], FactorKey):
            multiplier.load(key.key, seeds)
        self._peers[0].send(ResidualScale(exponent=scale.exponent))
        residuals = self._multiplied(terms, multiplier, integers, whole)
        tell(self._peers[1:], ResidualScale(exponent=scale.exponent))
        return residuals, scale.bits

    def _multiplied(
        self, terms: Terms, multiplier: Multiplier, factors: Integers, constant: Integers
    ) -> Integers:
        timed, shares = self._setting.context.telemetry.timed, list[Integers]()
        for chunk in terms.chunks:
            with timed("transport"):
                encrypted = self._peers[0].receive(Factors).ciphertexts
                for peer in self._peers[1:]:
                    peer.send(Factors(ciphertexts=encrypted))
                    encrypted = peer.receive(Factors).ciphertexts
            with timed("kernel"), checked(self._peers[-1], Factors):
                masked, ours = multiplier.sums(encrypted, factors[:, chunk], constant[chunk])
            self._peers[0].send(MaskedResiduals(ciphertexts=masked))
            shares.append(ours)
        return np.concatenate(shares)
