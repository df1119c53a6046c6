"""What parties of a joint regression can make of what they see: attacks, played here.

Before: as measured of the product before it had these levels and limits.
"""
# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

from dataclasses import dataclass

import numpy as np
from scipy import special
from sklearn.linear_model import orthogonal_mp
from sklearn.metrics import roc_auc_score

from benchmarks.measurement import Row
from benchmarks.simulated import PASSIVE
from isthmus.core.arrays import Floats
from isthmus.core.errors import PolicyError
from isthmus.core.seeds import generator
from isthmus.crypto import keys, radix
from isthmus.crypto.encryption import Scheme
from isthmus.crypto.lattice import parameters
from isthmus.jobs.party import PartyPolicy
from isthmus.vertical.regression import limits
from isthmus.vertical.regression.block import Block, penalty
from isthmus.vertical.regression.families import Binomial
from isthmus.vertical.regression.rows import batches
from isthmus.vertical.regression.spec import LinearModel, Regression
from tests.privacy import test_products as products

FLAGS = 40
SEEDS = 3
_ACTIVE_COLUMNS = 5
_PASSES = 5


@dataclass(frozen=True)
class Told:
    """Rows, and how much a training tells about their labels."""

    rows: int
    positives: int
    columns: int
    """Of the passive party."""

    batches: int

    @property
    def allowed(self) -> bool:
        """Whether a job allows as much, by default."""
        job = Regression(passive_columns=self.columns, batches=self.batches)
        label = (np.arange(self.rows) < self.positives).astype(float)
        return limits.equations(job, PASSIVE) <= job.label_exposure * limits.rarer(job, label)

    def title(self) -> str:
        """The attack in a few words."""
        return (
            f"labels from gradients: {self.positives:,} of {self.rows:,} rows "
            f"positive, {self.columns} columns, {self.batches} batches"
        )


RARE = Told(rows=5_000, positives=25, columns=20, batches=10)
MOST = Told(rows=5_000, positives=1_000, columns=20, batches=5)


def table() -> list[Row]:
    """Play the attacks.

    Returns:
        A row for each.
    """
    return [
        _row(RARE.title(), "passive", "label AUC 1.000", _labels(RARE)),
        _row(MOST.title(), "passive", "not measured", _labels(MOST)),
        _row(
            f"labels of rows that {FLAGS} columns flag, one each",
            "passive",
            f"{FLAGS} of {FLAGS} labels",
            _flags(),
        ),
        *(
            _row(
                f"the other party's columns, from sums of powers of two, {scheme}",
                "active",
                "1,200 of 1,200 values in 8 rounds",
                _values(scheme),
            )
            for scheme in _SCHEMES
        ),
        _row(
            "the key, from sums chosen for it",
            "passive",
            "all of it from 137 sums of one key",
            f"a key opens {parameters.SUMS_PER_KEY} sums",
        ),
    ]


_SCHEMES: tuple[Scheme, ...] = ("paillier", "okamoto-uchiyama")


def _row(attack: str, by: str, before: str, now: str) -> Row:
    return {"attack": attack, "by the party that is": by, "before": before, "now": now}


def _labels(told: Told) -> str:
    found = [label_attack(told, seed) for seed in range(SEEDS)]
    attacked, own = np.mean(found, axis=0)
    what = f"label AUC {attacked:.3f}, and {own:.3f} by its own coefficients"
    return what if told.allowed else f"refused; it would be {what}"


def label_attack(told: Told, seed: int) -> tuple[float, float]:
    """Train, and solve the gradients of the passive party for the labels, in two ways.

    Args:
        told: The rows, and what they are trained with.
        seed: Of the rows.

    Returns:
        AUC of the better way, and of the party's own share of the predictor.
    """
    random = generator(seed, "attack")
    theirs = slice(_ACTIVE_COLUMNS, _ACTIVE_COLUMNS + told.columns)
    x = random.normal(size=(told.rows, theirs.stop + 1))
    x[:, -1] = 1.0
    signal = x @ random.normal(size=x.shape[1]) / 8 + random.logistic(size=told.rows)
    label = (signal >= np.sort(signal)[-told.positives]).astype(float)
    seen, own = _gradients(told, x, label, theirs)

    dense, few = np.zeros(told.rows), np.zeros(told.rows)
    for batch, sums in zip(batches(told.rows, told.batches), seen, strict=True):
        known = x[batch, theirs]
        # 1. The shortest vector of residuals.
        dense[batch] = -np.linalg.lstsq(known.T, sums, rcond=None)[0]
        # 2. As few labels of 1 as there are, where all are as probable as the own share says.
        expected = special.expit(own[batch] + special.logit(told.positives / told.rows))
        count = min(told.positives // told.batches + 2, told.columns // 2)
        few[batch] = orthogonal_mp(known.T, known.T @ expected - sums, n_nonzero_coefs=count)
    scores = [float(roc_auc_score(label, found)) for found in (dense, few, own)]
    return max(scores[:2]), scores[2]


def _gradients(told: Told, x: Floats, label: Floats, theirs: slice) -> tuple[list[Floats], Floats]:
    """Gradients of each batch that the passive party sees, and its share of the predictor.

    Batches stay the same, so all passes have one set of equations, and the last pass is the one
    whose residuals are nearest to the labels' own noise.
    """
    rate = told.positives / told.rows
    fixed = penalty(LinearModel(), x.shape[1], (), free=1)
    block = Block(x, fixed, (), curvature=rate * (1 - rate))
    block.weights[-1] = special.logit(rate)
    seen = list[Floats]()
    for number in range(_PASSES):
        seen = []
        for batch in batches(told.rows, told.batches):
            residual = Binomial().residual(x[batch] @ block.weights, label[batch])
            seen.append(x[batch, theirs].T @ residual)
            block.propose(x[batch].T @ residual / len(residual))
            block.turn(0.0)
            block.move(0.5 / (1 + number))
    return seen, x[:, theirs] @ block.weights[theirs]


def _flags() -> str:
    rows = 10 * FLAGS
    columns = np.eye(rows)[:, :FLAGS]
    names = tuple(f"flag{number}" for number in range(FLAGS))
    try:
        limits.check_columns(names, columns, PartyPolicy().minimum_column_rows)
    except PolicyError:
        return "refused by the passive party"
    return "allowed"


def _values(scheme: Scheme) -> str:
    """Values of columns that a value side reads that encrypts powers of two."""
    key = keys.generate(scheme, "auto", products.BITS)
    columns = radix.quantise(
        np.random.default_rng(1).normal(size=(products.ROWS, products.COLUMNS))
    )
    got = tried = 0
    for mask_bits in range(126, key.public.sum_bits - products.SLOT, 20 * products.SLOT):
        attack = products.Attack(key, mask_bits)
        rows = range(min(attack.at_once, products.ROWS))
        block, public = attack.encrypted(rows).dump(), key.public.dump()
        sent = products.masked_now(scheme, columns, public, block)
        found = attack.read(key.public.load(sent, products.COLUMNS), len(rows))
        got += products.right(found, columns.integers()[rows.start : rows.stop])
        tried += len(rows) * products.COLUMNS
    return f"{got:,} of {tried:,} values"
