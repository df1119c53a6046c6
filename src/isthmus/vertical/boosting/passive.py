"""A party that has columns but no labels."""

import numpy as np

from isthmus.core.telemetry import Telemetry
from isthmus.crypto import keys
from isthmus.crypto.scheme import PublicKey
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import coding, model
from isthmus.vertical.boosting.checks import checked
from isthmus.vertical.boosting.coding import Columns
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.memory import PassiveMemory
from isthmus.vertical.boosting.messages import (
    Codes,
    ColumnBins,
    Decisions,
    Next,
    Scoring,
    pack_bits,
)
from isthmus.vertical.boosting.model import Part
from isthmus.vertical.boosting.predict import Decider
from isthmus.vertical.boosting.responder import Responder
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.workers import start_calculator


def passive(  # noqa: PLR0913 - each is one thing that only the caller knows
    active: Channel,
    rows: Rows,
    spec: Boosting,
    randomness: Randomness,
    telemetry: Telemetry,
    memory: PassiveMemory,
    *,
    workers: int = 1,
) -> Part:
    """Answer what the active party asks to grow trees, then help to score the test rows.

    We learn which rows are together in a node, and which of our columns' bins part them. The active
    party learns sums of its own gradients by group of our bins; see `messages.py`.

    Args:
        active: The line to the party with the labels.
        rows: Our columns, in the common order.
        spec: What the job says.
        randomness: Where random choices come from.
        telemetry: Where progress goes.
        memory: Splits of a run that was cut off, or none; new ones are added.
        workers: Processes of this machine that compute on ciphertexts.

    Returns:
        Our part of the model.

    Raises:
        SpecError: Our columns do not fit the job.
        PeerError: The active party sent something that the protocol does not allow.
    """
    # 1. Find the bins of our columns, and say what they are like.
    ours = coding.columns(rows.train, spec, randomness.job)
    memory.load(ours.fingerprint(rows, randomness.job))
    active.send(
        ColumnBins(
            train_rows=len(rows.train),
            test_rows=len(rows.test),
            categorical=ours.facts.categorical,
            bins=ours.facts.bins,
            run=memory.run,
        )
    )

    # 2. Learn the numbers of our columns, the tree to go on after, and the key of the gradients.
    numbers = active.receive(Codes)
    key = _agree(active, numbers, ours, spec, memory)

    # 3. Answer until the active party has all its trees.
    with start_calculator(workers, spec.encryption, key) as calculator:
        responder = Responder(active, ours, numbers, calculator, spec, telemetry)
        while (task := active.receive(Next).task) != "score":
            match task:
                case "tree":
                    responder.begin()
                case "level":
                    responder.descend()
                case "split":
                    responder.part(memory)

    # 4. Score: say where each of our splits sends each row.
    kept = _kept(active, spec)
    splits = [split for split in memory.splits if split.tree < kept]
    part = Part(numbers.run, kept, model.columns(ours.binnings, numbers.codes), splits)
    _score(active, part, rows.test, spec)
    return part


def _agree(
    active: Channel, numbers: Codes, ours: Columns, spec: Boosting, memory: PassiveMemory
) -> PublicKey:
    cipher = spec.encryption
    with checked(active, Codes):
        codes = numbers.codes
        if codes.shape != (len(ours),) or codes[0] < 0 or not (np.diff(codes) > 0).all():
            raise ValueError("it does not number each of our columns, in ascending order")
        memory.begin(numbers.run, numbers.trees)
        return keys.load_public(cipher.scheme, cipher.engine, cipher.key_bits, numbers.key)


def _kept(active: Channel, spec: Boosting) -> int:
    scoring = active.receive(Scoring)
    with checked(active, Scoring):
        if scoring.trees > spec.trees * spec.outputs:
            raise ValueError("it keeps more trees than the job has")
    return scoring.trees


def _score(active: Channel, part: Part, test: Table, spec: Boosting) -> None:
    """Say where our splits send the test rows, block by block; without a split, nothing."""
    if not part.splits:
        return
    decide = Decider(part.columns, part.splits)
    for first in range(0, len(test), spec.block_rows):
        block = test.take(np.arange(first, min(first + spec.block_rows, len(test))))
        active.send(Decisions(first_row=first, left=pack_bits(decide(block))))
