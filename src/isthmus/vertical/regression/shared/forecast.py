"""Forecast of the messages of a regression at the level `shared`."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from isthmus.crypto.lattice.parameters import SEED_BYTES
from isthmus.crypto.lattice.shares import Terms
from isthmus.ledger.forecast import Flow, Sizes, blocks
from isthmus.vertical.regression import shares_forecast
from isthmus.vertical.regression.messages import PartialPredictor
from isthmus.vertical.regression.products import forecast as products
from isthmus.vertical.regression.products.forecast import Products
from isthmus.vertical.regression.shared import counts, descent
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
from isthmus.vertical.regression.spec import Regression

_ACTIVE, _PASSIVE = "active", "passive"


def forecast(spec: Regression, passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages of training and scoring, between the active party and a passive one.

    Args:
        spec: The `[regression]` table.
        passive: Name of the passive party.
        sizes: Numbers of rows and rounds, and of functions in each round, if they are known.

    Returns:
        The flows of both roles.
    """
    columns, rounds = spec.passive_columns, sizes.rounds
    names = [passive] if isinstance(columns, int) else sorted(columns)
    position = names.index(passive)
    multiplies = counts.most_products(spec, len(names)) > 0
    seeds = [bytes(SEED_BYTES)] * len(names) if multiplies else []
    own = bytes(SEED_BYTES) if multiplies and position else b""
    every = Spreads(levels=[0] * (1 + len(names)), functions=0, seeds=seeds)
    shape = SharedShape(rows=sizes.train, columns=spec.columns_of(passive), rounds=0)
    return [
        Flow(_PASSIVE, shape, 1),
        Flow(_ACTIVE, SharedStart(rounds=0, run="0" * 32, curvature=-2), 1),
        *shares_forecast.keys(sizes),
        Flow(_PASSIVE, PassiveSpread(level=0, seed=own), rounds),
        Flow(_ACTIVE, every, rounds),
        Flow(_ACTIVE, ResidualScale(exponent=0), rounds),
        *(_residuals(spec, len(names), position, sizes) if multiplies else ()),
        *_products(spec, names, position, sizes),
        shares_forecast.numbers(descent.SHOWN, rounds, sizes),
        Flow(_ACTIVE, InnerProducts(values=np.zeros(descent.SHOWN)), rounds),
        *shares_forecast.rows(PartialPredictor, (sizes.test,), spec.block_rows, 1, sizes),
    ]


def _residuals(spec: Regression, passives: int, position: int, sizes: Sizes) -> Iterator[Flow]:
    most = counts.most_products(spec, passives)
    fewest = counts.fewest_products(spec, passives)
    known = len(sizes.functions) == sizes.rounds
    used = sizes.functions if known else (most,) * sizes.rounds
    within = Counter(min(max(each, fewest), most) for each in used)
    for count, rounds in sorted(within.items()):
        yield from _round(Terms(sizes.train, count, passives), position, rounds)


def _round(terms: Terms, position: int, rounds: int) -> Iterator[Flow]:
    first = position == 0
    key = FactorKey(key=bytes(terms.public_bytes))
    yield Flow(_PASSIVE if first else _ACTIVE, key, rounds)
    sent = terms.fresh_bytes if first else terms.converted_bytes
    got = terms.fresh_bytes if position == 1 else terms.converted_bytes
    for count, _ in blocks(terms.layout.rows, terms.layout.slots):
        factors = Factors(ciphertexts=bytes(sent))
        yield Flow(_PASSIVE, factors, count * rounds)
        if first:
            masked = MaskedResiduals(ciphertexts=bytes(terms.masked_bytes))
            yield Flow(_ACTIVE, masked, count * rounds)
        else:
            factors = Factors(ciphertexts=bytes(got))
            yield Flow(_ACTIVE, factors, count * rounds)


def _products(spec: Regression, names: list[str], position: int, sizes: Sizes) -> Iterator[Flow]:
    def flows(values: str, columns: str, sums: int) -> Iterator[Flow]:
        of = Products(values, columns, sizes.train, sums, sizes.rounds, modular=True)
        return products.flows(spec.encryption, spec.block_rows, of)

    ours = spec.columns_of(names[position])
    yield from flows(_ACTIVE, _PASSIVE, ours)
    if position:  # with the other share, which the active party passes on
        yield from flows(_ACTIVE, _PASSIVE, ours)
        return
    for name in names[1:]:
        yield from flows(_PASSIVE, _ACTIVE, spec.columns_of(name))
    yield from flows(_PASSIVE, _ACTIVE, spec.sharing.active_columns + 1)
