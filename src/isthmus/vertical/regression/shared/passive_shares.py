"""A passive party's part in a round: shares of the residuals, and sums of its columns.

The first passive party has the key of the round and one share, s. Every further one puts its share
of the predictor into what passes it under that key, and has no share of the residuals: it gets
products of its columns with both.
"""

import numpy as np

from isthmus.core.arrays import Floats, Integers
from isthmus.crypto.lattice.owner import new_seed
from isthmus.crypto.lattice.shares import FactorOwner, Multiplier, Terms
from isthmus.crypto.radix import Quantised
from isthmus.vertical.checks import checked
from isthmus.vertical.regression.shared import exchange, expansion, rounding
from isthmus.vertical.regression.shared.exchange import Training
from isthmus.vertical.regression.shared.messages import (
    FactorKey,
    Factors,
    MaskedResiduals,
    ResidualScale,
    Spreads,
)
from isthmus.vertical.regression.shared.rounding import Scale
from isthmus.vertical.regression.shares import Hearing


class FirstPassive:
    """The passive party that has the key of a round."""

    def __init__(self, hearing: Hearing, training: Training, columns: Quantised) -> None:
        """Prepare our columns; nothing is sent yet."""
        active = hearing.active
        self._hearing, self._setting, self._columns = hearing, training, columns
        self._take = training.columns_at(active, columns)
        # All others need products with our share.
        self._give_to_active, *self._give_to_others = [
            training.values_for(active, party) for party in (0, *range(2, len(training.columns)))
        ]

    def draw_seed(self) -> bytes:
        """The key is ours: its owner's seed is made with it."""
        return b""

    def sums(self, share: Floats, spreads: Spreads, number: int) -> tuple[Integers, int]:
        """Get the sums of our columns times the residuals.

        Args:
            share: Ours of the predictor, shape (rows,).
            spreads: Of all parties.
            number: Of the round.

        Returns:
            The sums, shape (columns,), and the bits after the point of a residual.

        Raises:
            PeerError: The active party broke the protocol.
        """
        training = self._setting
        functions = expansion.expansion(training.spec, spreads.levels, spreads.functions)
        scale = training.scale(functions)
        if training.adds_up:
            scale = _scaled(self._hearing, scale)
            with checked(self._hearing.active, ResidualScale):
                residuals = rounding.additive(share, scale)
        else:
            generator = exchange.generator(1, number)
            factors = rounding.of_first(functions.of_first(share), scale, generator)
            residuals, scale = self._residuals(
                training.terms(functions), factors, spreads.seeds, scale
            )
        theirs = exchange.in_both_directions(
            self._give_to_active, self._take, rounding.negative(residuals)
        )
        for give in self._give_to_others:
            give(residuals)
        ours = rounding.product(self._columns, residuals)
        return rounding.sums(ours, theirs), scale.bits

    def _residuals(
        self, terms: Terms, factors: Integers, seeds: list[bytes], scale: Scale
    ) -> tuple[Integers, Scale]:
        active, timed = self._hearing.active, self._setting.context.telemetry.timed
        with timed("encryption"), checked(active, Spreads):
            owner = FactorOwner(terms, seeds)
            key = owner.public()
        active.send(FactorKey(key=key))
        for chunk in terms.chunks:
            with timed("encryption"):
                encrypted = owner.encrypt(factors[:, chunk])
            active.send(Factors(ciphertexts=encrypted))
        scale = _scaled(self._hearing, scale)
        shares = list[Integers]()
        for chunk in terms.chunks:
            with timed("transport"):
                masked = active.receive(MaskedResiduals).ciphertexts
            with timed("decryption"), checked(active, MaskedResiduals):
                shares.append(owner.share(masked, chunk.stop - chunk.start))
        return np.concatenate(shares), scale


class FurtherPassive:
    """A passive party without a key."""

    def __init__(self, hearing: Hearing, training: Training, columns: Quantised) -> None:
        """Prepare our columns; nothing is sent yet."""
        active = hearing.active
        self._hearing, self._setting = hearing, training
        self._position = training.passives.index(training.context.party)
        self._take_of_active = training.columns_at(active, columns)
        self._take_of_first = training.columns_at(active, columns)
        self._seed = b""  # of the round

    def draw_seed(self) -> bytes:
        """Draws our seed of the key of this round, and returns it."""
        self._seed = new_seed()
        return self._seed

    def sums(self, share: Floats, spreads: Spreads, number: int) -> tuple[Integers, int]:
        """Get the sums of our columns times the residuals; see `FirstPassive.sums`."""
        training, position = self._setting, self._position
        active, timed = self._hearing.active, training.context.telemetry.timed
        functions = expansion.expansion(training.spec, spreads.levels, spreads.functions)
        scale, terms = training.scale(functions), training.terms(functions)
        multiplier = Multiplier(terms, self._seed)
        generator = exchange.generator(1 + position, number)
        key = active.receive(FactorKey).key
        with checked(active, FactorKey):
            multiplier.load(key, spreads.seeds)
        for chunk in terms.chunks:
            with timed("transport"):
                encrypted = active.receive(Factors).ciphertexts
            with timed("kernel"), checked(active, Factors):
                constants, factors = functions.of_middle(share[chunk], position)
                whole, integers = rounding.of_middle(constants, factors, position, scale, generator)
                converted = multiplier.convert(encrypted, integers, whole)
            active.send(Factors(ciphertexts=converted))
        scale = _scaled(self._hearing, scale)
        of_active = self._take_of_active().tolist()
        of_first = self._take_of_first().tolist()
        return rounding.sums(of_first, of_active), scale.bits


def _scaled(hearing: Hearing, scale: Scale) -> Scale:
    return scale.with_exponent(hearing.receive(ResidualScale).exponent)
