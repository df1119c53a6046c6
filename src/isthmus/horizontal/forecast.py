"""Which messages rounds of training will send."""

from collections.abc import Iterator, Sequence

import numpy as np

from isthmus.horizontal.messages import (
    CommonCells,
    CommonWords,
    Confirmation,
    EncoderRequest,
    Instruction,
    Kept,
    Published,
    RoundStart,
    RoundUpdate,
    Turn,
    Vocabulary,
)
from isthmus.horizontal.parameters import Layout, Parameters
from isthmus.horizontal.privacy.compression import packed
from isthmus.horizontal.privacy.messages import (
    CoarseUpdate,
    Keys,
    MaskedUpdate,
    MaskKeys,
    Opening,
    Participants,
    SealedShares,
    SparseUpdate,
    Survivors,
)
from isthmus.horizontal.privacy.spec import EightBit, Privacy, SecureAggregation, TopK
from isthmus.horizontal.tables import Tables
from isthmus.ledger.forecast import Flow
from isthmus.transport.message import Message

_METRICS = {"loss": 0.0}
_DIGEST = "0" * 64


def forecast(
    network: str,
    children: int,
    rounds: int,
    privacy: Privacy,
    parameters: Parameters,
    tables: Sequence[str] = (),
) -> list[Flow]:
    """The messages between the master and one of its children, both ways.

    Args:
        network: The type of the network.
        children: How many there are.
        rounds: How many the child trains in.
        privacy: What the job says.
        parameters: Of the model, for their shapes; nothing where sizes do not matter.
        tables: Arrays whose touches go along under masks.

    Returns:
        Messages by the role that sends them, in the order in which they first leave.
    """
    steps = 4 if privacy.secure_aggregation else 1
    first = [
        Flow("child", EncoderRequest(encoder=network), 1),
        Flow("master", Instruction(encoder=network), 1),
        Flow("child", Confirmation(samples=1000), 1),
        Flow("master", Turn(task="train"), rounds * steps),
        Flow("master", RoundStart(round=rounds, parameters=parameters), rounds),
    ]
    last = [
        Flow("master", Turn(task="publish"), 1),
        Flow("master", Published(parameters=parameters, model=_DIGEST), 1),
        Flow("child", Kept(model=_DIGEST), 1),
    ]
    if privacy.secure_aggregation:
        layout = Layout.of(parameters)
        size = layout.size + (Tables(layout, tables).rows if parameters else 0)
        neighbours = min(privacy.secure_aggregation.neighbours, children - 1)
        flows = [Flow(*it, rounds) for it in _sum(rounds, size, children, neighbours)]
    else:
        flows = [Flow("child", _update(rounds, privacy.compression, parameters, tables), rounds)]
    return [*first, *flows, *last]


def vocabulary(children: int, privacy: Privacy, cells: int, *, large: bool) -> list[Flow]:
    """The messages by which a master and one of its children agree on a vocabulary, both ways.

    Args:
        children: How many there are.
        privacy: What the job says.
        cells: Cells of counts.
        large: Whether sizes matter.

    Returns:
        Messages by the role that sends them, in the order in which they first leave.
    """
    asked = privacy.secure_aggregation or SecureAggregation()
    neighbours = min(asked.neighbours, children - 1)
    words = _WORDS if large else 1
    named = CommonWords(words=["eightltr"] * words, documents=[100] * words)
    return [
        Flow("master", Turn(task="count"), 6),
        *(Flow(*it, 1) for it in _sum(0, cells if large else 1, children, neighbours)),
        Flow("master", CommonCells(cells=np.zeros(cells // 8 if large else 1, np.uint8)), 1),
        Flow("child", named, 1),
        Flow("master", Vocabulary(content=bytes(_TOKENIZER if large else 1)), 1),
    ]


def _update(
    number: int, compression: TopK | EightBit | None, parameters: Parameters, tables: Sequence[str]
) -> Message:
    # Of tables at most: a child sends the rows that its texts move.
    layout = Layout.of(parameters)
    size = layout.size
    rows = packed(np.ones(Tables(layout, tables).rows if parameters else 0, np.bool_))
    match compression:
        case TopK(share=share):
            kept = round(share * size)
            positions, values = np.zeros(kept, np.uint32), np.zeros(kept, np.float32)
            return SparseUpdate(round=number, positions=positions, values=values, metrics=_METRICS)
        case EightBit():
            steps, levels = np.zeros(len(parameters), np.float32), np.zeros(size, np.int8)
            return CoarseUpdate(
                round=number, steps=steps, levels=levels, metrics=_METRICS, rows=rows
            )
        case None:
            return RoundUpdate(round=number, update=parameters, metrics=_METRICS, rows=rows)


def _sum(number: int, size: int, children: int, neighbours: int) -> Iterator[tuple[str, Message]]:
    """Messages of one sum under masks in which nobody drops out."""
    names = [f"child-{it:04}" for it in range(children)]
    keys = Keys(masking=bytes(32), sealing=bytes(32))
    sealed = dict.fromkeys(names[:neighbours], bytes(_SEALED))
    yield "child", MaskKeys(round=number, keys=keys, seed=_DIGEST, metrics=_METRICS)
    yield (
        "master",
        Participants(
            round=number,
            keys=dict.fromkeys(names, keys),
            weights=dict.fromkeys(names, 1 / max(children, 1)),
        ),
    )
    yield "child", SealedShares(round=number, sealed=sealed)
    yield "master", SealedShares(round=number, sealed=sealed)
    yield "child", MaskedUpdate(round=number, values=np.zeros(size, np.uint32))
    yield "master", Survivors(round=number, children=names)
    seeds = dict.fromkeys(names[: neighbours + 1], bytes(32))
    yield "child", Opening(round=number, seeds=seeds, keys={})


_SEALED = 128  # bytes of two shares, sealed
_WORDS = 5000  # that a child names
_TOKENIZER = 500_000  # bytes
