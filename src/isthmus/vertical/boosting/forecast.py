"""Forecast of the messages of boosting.

The messages of the active party follow from the job, except those for splits. The messages of a
passive party also depend on its data. The forecast assumes:

- every node is split down to the last level; at each level, half of the nodes, with half of the
  rows, are split on codes of this passive party;
- all columns are numeric, with as many bins as the job allows and no missing values; bins have
  equal numbers of rows, and so have the two children of a node.

The actual messages are fewer if columns have fewer values, or if trees end early.
"""

from collections.abc import Iterator

import numpy as np

from isthmus.crypto import keys
from isthmus.ledger.forecast import Flow, Sizes, blocks
from isthmus.vertical.boosting import messages, packing
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import gradients, sampling


def forecast(spec: Boosting, sizes: Sizes) -> list[Flow]:
    """Forecast the messages between the active party and one passive party.

    Args:
        spec: The `[boosting]` table.
        sizes: Numbers of rows, columns and rounds.

    Returns:
        The flows of both roles, for training and scoring.
    """
    cipher, columns = spec.encryption, sizes.columns
    key = bytes(keys.public_key_bytes(cipher.scheme, cipher.key_bits))
    trees = max(sizes.rounds - spec.local_trees, 0) * spec.outputs
    run = "0" * 32
    return [
        Flow(
            "passive",
            messages.ColumnBins(
                train_rows=sizes.train,
                test_rows=sizes.test,
                categorical=np.zeros(columns, np.bool_),
                bins=np.zeros(columns, np.int64),
                run="",
            ),
            1,
        ),
        Flow(
            "active",
            messages.Codes(codes=np.zeros(columns, np.int64), key=key, run=run, trees=0),
            1,
        ),
        *(Flow(flow.sender, flow.sample, flow.count * trees) for flow in _tree(spec, sizes)),
        Flow("active", messages.Next(task="score"), 1),
        Flow("active", messages.Scoring(trees=trees), 1),
        *_decisions(spec, sizes, trees),
    ]


def _tree(spec: Boosting, sizes: Sizes) -> Iterator[Flow]:
    training = sizes.train - round(sizes.train * spec.validation_share)
    rows = sampling.tree_rows(training, spec)
    codes = max(1, round(sizes.columns * spec.code_share))
    start = messages.TreeStart(tree=spec.trees, codes=np.zeros(codes, np.int64), rows=rows)
    yield Flow("active", messages.Next(task="tree"), 1)
    yield Flow("active", start, 1)
    if rows < sizes.train or spec.forest or spec.sampling != "all" or spec.validation_share:
        yield Flow("active", messages.SampledRows(sampled=_bits(sizes.train)), 1)
    size = keys.ciphertext_bytes(spec.encryption.scheme, spec.encryption.key_bits)
    for count, block in blocks(rows, spec.block_rows):
        ciphertexts = bytes(block * size)
        yield Flow(
            "active", messages.EncryptedGradients(first_row=0, ciphertexts=ciphertexts), count
        )
    for level in range(spec.depth):
        yield from _level(spec, rows, codes, level)
        yield from _splits(spec, sizes.train, rows, level)


def _level(spec: Boosting, rows: int, codes: int, level: int) -> Iterator[Flow]:
    pairs = 2**level // 2 or 1
    if level:
        place = np.zeros(rows, np.int16)
        yield Flow("active", messages.Next(task="level"), 1)
        yield Flow("active", messages.LevelNodes(pairs=pairs, place=place), 1)
    cipher = spec.encryption
    width = gradients.width(rows, spec.precision)
    packed = packing.packing(width, keys.sum_bits(cipher.scheme, cipher.key_bits))
    groups = max(1, min(spec.bins, rows // 2**level // spec.minimum_bin_rows))
    count = packed.ciphertexts(pairs * codes * groups)
    sums = messages.EncryptedSums(
        starts=_bits(pairs * codes * (spec.bins + 1)),
        ciphertexts=bytes(count * keys.ciphertext_bytes(cipher.scheme, cipher.key_bits)),
    )
    yield Flow("passive", sums, 1)


def _splits(spec: Boosting, train: int, rows: int, level: int) -> Iterator[Flow]:
    splits = 2**level // 2 or 1
    asked = messages.OwnSplits(
        place=np.zeros(splits, np.int16),
        node=np.zeros(splits, np.int64),
        code=np.zeros(splits, np.int64),
        left=np.zeros((splits, spec.bins + 1), np.bool_),
        others=np.zeros(train - rows, np.int16),
    )
    yield Flow("active", messages.Next(task="split"), 1)
    yield Flow("active", asked, 1)
    yield Flow("passive", messages.WentLeft(left=_bits(train // 2)), 1)


def _decisions(spec: Boosting, sizes: Sizes, trees: int) -> Iterator[Flow]:
    splits = trees * (2**spec.depth - 1) // 2
    for count, block in blocks(sizes.test, spec.block_rows):
        yield Flow("passive", messages.Decisions(first_row=0, left=_bits(block * splits)), count)


def _bits(count: int) -> messages.Bits:
    return np.zeros(-(-count // 8), np.uint8)
