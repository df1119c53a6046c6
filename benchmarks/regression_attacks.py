"""What parties of a joint regression can make of what they see: attacks, played here.

Before: as measured of the product when it had one level, masks of 126 bits, and a limit of
equations per row, not per row of the rarer label.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.measurement import Row
from benchmarks.simulated import ACTIVE, PASSIVE, Workload
from isthmus.core.errors import PolicyError
from isthmus.crypto import keys, radix
from isthmus.crypto.encryption import Scheme
from isthmus.crypto.lattice import parameters
from isthmus.data.table import Table
from isthmus.jobs.party import PartyPolicy
from isthmus.vertical.regression import leakage, limits
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.rows import batches
from isthmus.vertical.regression.spec import Regression
from tests.privacy import test_products as products
from tests.privacy.test_regression import few_ones, people

RARE_ROWS, RARE_POSITIVES, RARE_COLUMNS, RARE_BATCHES = 5_000, 25, 20, 10
FLAGS = 40
SCHEMES: Sequence[Scheme] = ("paillier", "okamoto-uchiyama")

MOST = ((600, 0.5, 29), (2_500, 0.02, 5))
"""Rows, share of the rarer label and columns, of which a job tells as much as it may."""

SEEDS = 3
_ACTIVE_COLUMNS = 4


def table(workload: Workload) -> list[Row]:
    """Play the attacks.

    Args:
        workload: Rows that are attacked like the made-up ones.

    Returns:
        A row for each.
    """
    trains = [workload.training_rows(party) for party in (ACTIVE, PASSIVE)]
    rare = f"{RARE_POSITIVES} of {RARE_ROWS:,} labels, {RARE_BATCHES} batches x {RARE_COLUMNS}"
    return [
        _row(f"{rare} columns", "passive", "label AUC 1.000", rare_labels()),
        *(
            _row(
                f"labels, {rows:,} rows of which {share:.0%} have the rarer one, {columns} columns",
                "passive",
                "not measured",
                most_labels(rows, share, columns),
            )
            for rows, share, columns in MOST
        ),
        _row(f"labels, {workload.name}", "passive", "not measured", labels(trains)),
        _row(
            f"labels of {FLAGS} rows, each told apart by a column of its own",
            "passive",
            f"{FLAGS} of {FLAGS} labels",
            flags(),
        ),
        _row(
            "the key, by sums chosen for it",
            "passive",
            "from 137 sums under one key, of a prototype",
            f"a key is for one product, and opens {parameters.SUMS_PER_KEY} sums",
        ),
        *(
            _row(
                f"the other party's columns, by powers of two in place of residuals, {scheme}",
                "active",
                "1,200 of 1,200 values in 8 rounds",
                values(scheme),
            )
            for scheme in SCHEMES
        ),
        _row(
            "combinations of the other party's columns, row by row",
            "active",
            "one in each round",
            "encrypted: one in each round; shared: none",
        ),
    ]


def _row(attack: str, by: str, before: str, now: str) -> Row:
    return {"attack on": attack, "by the party that is": by, "before": before, "now": now}


def rare_labels() -> str:
    """Pick the few rows of each batch whose labels sum up to what its gradient tells."""
    rows = people(RARE_ROWS, _ACTIVE_COLUMNS + RARE_COLUMNS, 1, RARE_POSITIVES / RARE_ROWS)
    own, theirs = _parted(rows)
    job = Regression(passive_columns=RARE_COLUMNS, batches=RARE_BATCHES)
    expected, label = train_pooled(own, job).predict(own.features), own.label
    assert label is not None
    guess = np.zeros(RARE_ROWS)
    for batch in batches(RARE_ROWS, RARE_BATCHES):
        told = theirs.features[batch].T @ (label - expected)[batch]
        guess[batch] = few_ones(theirs.features[batch], told)
    found = f"{label[guess == 1].sum():.0f} of {RARE_POSITIVES} found among {guess.sum():.0f} rows"
    told_each = limits.equations(job, PASSIVE) / limits.rarer(job, label)
    return f"refused by the job; else {found}" if told_each > job.label_exposure else found


def most_labels(rows: int, share: float, columns: int) -> str:
    """Attack made-up rows; the mean of some tries."""
    tries = [_parted(people(rows, _ACTIVE_COLUMNS + columns, seed, share)) for seed in range(SEEDS)]
    found = [_attacked(each) for each in tries]
    return _said(*np.mean(found, axis=0))


def labels(trains: Sequence[Table]) -> str:
    """Attack the rows of both parties."""
    return _said(*_attacked(trains))


def _attacked(trains: Sequence[Table]) -> tuple[float, float]:
    job = Regression(passive_columns=len(trains[1].names))
    found = leakage.simulated(job, trains)
    return found[leakage.ATTACK], found[leakage.OWN]


def _said(attacked: float, own: float) -> str:
    return f"label AUC {attacked:.3f}, and {own:.3f} by its own coefficients"


def _parted(rows: Table) -> tuple[Table, Table]:
    """The active party has the first columns."""
    ids, x, names = rows.identifiers, rows.features, rows.names
    return (
        Table(ids, x[:, :_ACTIVE_COLUMNS], names[:_ACTIVE_COLUMNS], rows.label),
        Table(ids, x[:, _ACTIVE_COLUMNS:], names[_ACTIVE_COLUMNS:]),
    )


def flags() -> str:
    """Bring columns of which each tells one row from all others."""
    columns = np.eye(10 * FLAGS)[:, :FLAGS]
    names = tuple(f"flag{number}" for number in range(FLAGS))
    try:
        limits.check_columns(names, columns, PartyPolicy().minimum_column_rows)
    except PolicyError:
        return "refused by the passive party"
    return f"{FLAGS} of {FLAGS} labels"


def values(scheme: Scheme) -> str:
    """Count the values of columns that a value side reads if it encrypts powers of two."""
    key = keys.generate(scheme, "auto", products.BITS)
    random = np.random.default_rng(1)
    columns = radix.quantise(random.normal(size=(products.ROWS, products.COLUMNS)))
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
