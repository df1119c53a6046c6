"""The passive party's role: it has columns but no labels."""

import numpy as np

from isthmus.core.telemetry import Telemetry
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine
from isthmus.crypto.scheme import PublicKey
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import coding, model
from isthmus.vertical.boosting.coding import Columns
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.memory import PassiveMemory
from isthmus.vertical.boosting.messages import Codes, ColumnBins, Next, Scoring
from isthmus.vertical.boosting.model import Part
from isthmus.vertical.boosting.responder import Responder
from isthmus.vertical.boosting.scoring import send_decisions
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.workers import start_calculator, worthwhile
from isthmus.vertical.checks import checked


def passive(  # noqa: PLR0913 - the caller knows all of these, and nobody else does
    active: Channel,
    rows: Rows,
    spec: Boosting,
    randomness: Randomness,
    telemetry: Telemetry,
    memory: PassiveMemory,
    *,
    engine: Engine = "auto",
    workers: int | None = None,
) -> Part:
    """Answer the active party's requests to grow trees, then help to score the test rows.

    We learn which rows are together in a node, and which bins of our columns split them. The active
    party learns sums of its own gradients by group of our bins; see `messages.py`.

    Args:
        active: The channel to the active party.
        rows: Our columns, in the common order.
        spec: The `[boosting]` table.
        randomness: The seeds of random choices.
        telemetry: Receives progress.
        memory: Splits of an interrupted run, or empty; new ones are added.
        engine: What we ask to compute our encryption with.
        workers: Number of processes of this machine that compute on ciphertexts; None: as many as
            pay.

    Returns:
        Our part of the model.

    Raises:
        SpecError: Our columns do not fit the job.
        PeerError: The active party broke the protocol.
    """
    # 1. Find the bins of our columns, and send facts about them.
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

    # 2. Receive the codes of our columns, the tree to resume after, and the public key.
    numbers = active.receive(Codes)
    key = _agree(active, numbers, ours, spec, memory, engine)

    # 3. Answer until the active party has all trees.
    count = workers or worthwhile(spec, engine, len(rows.train))
    with start_calculator(count, spec.encryption, engine, key) as calculator:
        responder = Responder(active, ours, numbers, calculator, spec, telemetry)
        while (task := active.receive(Next).task) != "score":
            match task:
                case "tree":
                    responder.begin()
                case "level":
                    responder.descend()
                case "split":
                    responder.split(memory)

    # 4. Score: send whether each row goes left at each of our splits.
    trees = _receive_tree_count(active, spec)
    splits = [split for split in memory.splits if split.tree < trees]
    part = Part(numbers.run, trees, model.columns(ours.binnings, numbers.codes), splits)
    send_decisions(active, part, rows.test, spec.block_rows)
    return part


def _agree(
    active: Channel,
    numbers: Codes,
    ours: Columns,
    spec: Boosting,
    memory: PassiveMemory,
    engine: Engine,
) -> PublicKey:
    cipher = spec.encryption
    with checked(active, Codes):
        codes = numbers.codes
        if codes.shape != (len(ours),) or codes[0] < 0 or not (np.diff(codes) > 0).all():
            raise ValueError("it does not number each of our columns, in ascending order")
        memory.begin(numbers.run, numbers.trees)
        return keys.load_public(cipher.scheme, engine, cipher.key_bits, numbers.key)


def _receive_tree_count(active: Channel, spec: Boosting) -> int:
    scoring = active.receive(Scoring)
    with checked(active, Scoring):
        if scoring.trees > spec.trees * spec.outputs:
            raise ValueError("it keeps more trees than the job has")
    return scoring.trees
