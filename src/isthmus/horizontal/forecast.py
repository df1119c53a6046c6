"""Which messages rounds of training will send."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.crypto.certificates import SIGNATURE_BYTES
from isthmus.crypto.identity import CERTIFICATE_BYTES
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

_DIGEST = "0" * 64


@dataclass(frozen=True)
class Line:
    """Whose line to the master is forecast."""

    child: str
    children: tuple[str, ...]
    """Names of all children of the job, this one too."""

    rounds: int
    """How many the child trains in."""


def forecast(
    network: str,
    line: Line,
    privacy: Privacy,
    parameters: Parameters,
    tables: Sequence[str] = (),
) -> list[Flow]:
    """The messages between the master and one of its children, both ways.

    Args:
        network: The type of the network.
        line: Whose, and how often.
        privacy: What the job says.
        parameters: Of the model, for their shapes; nothing where sizes do not matter.
        tables: Arrays whose touches go along under masks.

    Returns:
        Messages by the role that sends them, in the order in which they first leave.
    """
    first = [
        Flow("child", EncoderRequest(encoder=network), 1),
        Flow("master", Instruction(encoder=network), 1),
        Flow("child", Confirmation(samples=1000), 1),
        Flow("master", Turn(task="train"), line.rounds),
        *(
            Flow("master", RoundStart(round=number, parameters=parameters), count)
            for number, count in _numbered(line.rounds)
        ),
    ]
    last = [
        Flow("master", Turn(task="publish"), 1),
        Flow("master", Published(parameters=parameters, model=_DIGEST), 1),
        Flow("child", Kept(model=_DIGEST), 1),
    ]
    metrics = _metrics(privacy)
    if privacy.secure_aggregation:
        layout = Layout.of(parameters)
        size = layout.size + (Tables(layout, tables).rows if parameters else 0)
        flows = [
            Flow(*it, count)
            for number, count in _numbered(line.rounds)
            for it in _sum(line, privacy.secure_aggregation, number, size, metrics)
        ]
    else:
        flows = [
            Flow("child", _update(number, privacy.compression, parameters, tables, metrics), count)
            for number, count in _numbered(line.rounds)
        ]
    return [*first, *flows, *last]


def vocabulary(line: Line, privacy: Privacy, cells: int, *, large: bool) -> list[Flow]:
    """The messages by which a master and one of its children agree on a vocabulary, both ways.

    Args:
        line: Whose.
        privacy: What the job says.
        cells: Cells of counts.
        large: Whether sizes matter.

    Returns:
        Messages by the role that sends them, in the order in which they first leave.
    """
    asked = privacy.secure_aggregation or SecureAggregation()
    words = _WORDS if large else 1
    named = CommonWords(words=["eightltr"] * words, documents=[100] * words)
    return [
        Flow("master", Turn(task="count"), 1),
        *(Flow(*it, 1) for it in _sum(line, asked, 0, cells if large else 1, {})),
        Flow("master", Turn(task="name"), 1),
        Flow("master", CommonCells(cells=np.zeros(cells // 8 if large else 1, np.uint8)), 1),
        Flow("child", named, 1),
        Flow("master", Turn(task="vocabulary"), 1),
        Flow("master", Vocabulary(content=bytes(_TOKENIZER if large else 1)), 1),
    ]


def _numbered(rounds: int) -> Iterator[tuple[int, int]]:
    # The first number of rounds whose numbers take the same bytes, and how many they are.
    for first, last in ((1, 127), (128, 255), (256, 2**16 - 1), (2**16, 2**32 - 1)):
        if rounds >= first:
            yield first, min(rounds, last) - first + 1


def _metrics(privacy: Privacy) -> dict[str, float]:
    # Of training: `encoders/local.py` reports them.
    return dict.fromkeys(["epsilon"] if privacy.sample_level else ["loss", "first_loss"], 0.0)


def _update(
    number: int,
    compression: TopK | EightBit | None,
    parameters: Parameters,
    tables: Sequence[str],
    metrics: dict[str, float],
) -> Message:
    # Of tables at most: a child sends the rows that its texts move.
    layout = Layout.of(parameters)
    size = layout.size
    rows = packed(np.ones(Tables(layout, tables).rows if parameters else 0, np.bool_))
    match compression:
        case TopK(share=share):
            kept = round(share * size)
            positions, values = np.zeros(kept, np.uint32), np.zeros(kept, np.float32)
            return SparseUpdate(round=number, positions=positions, values=values, metrics=metrics)
        case EightBit():
            steps, levels = np.zeros(len(parameters), np.float32), np.zeros(size, np.int8)
            return CoarseUpdate(
                round=number, steps=steps, levels=levels, metrics=metrics, rows=rows
            )
        case None:
            return RoundUpdate(round=number, update=parameters, metrics=metrics, rows=rows)


def _sum(
    line: Line, asked: SecureAggregation, number: int, size: int, metrics: dict[str, float]
) -> Iterator[tuple[str, Message]]:
    """Messages of one sum under masks in which nobody drops out."""
    names, ours = sorted(line.children), line.child
    # Of many children, nobody knows before which ones are neighbours.
    others = [name for name in names if name != ours]
    others = others[: 2 * -(-asked.neighbours // 2)]
    keys = Keys(masking=bytes(32), sealing=bytes(32))
    certificate, signature = bytes(CERTIFICATE_BYTES), bytes(SIGNATURE_BYTES)
    yield (
        "child",
        MaskKeys(
            round=number,
            keys=keys,
            seed=_DIGEST,
            certificate=certificate,
            signature=signature,
            metrics=metrics,
        ),
    )
    yield "master", Turn(task="share")
    yield (
        "master",
        Participants(
            round=number,
            keys=dict.fromkeys(names, keys),
            certificates=dict.fromkeys(names, certificate),
            signatures=dict.fromkeys(names, signature),
            weights=dict.fromkeys(names, 1 / max(len(names), 1)),
        ),
    )
    sealed = dict.fromkeys(others, bytes(_SEALED))
    yield "child", SealedShares(round=number, sealed=sealed, signatures={ours: signature})
    yield "master", Turn(task="mask")
    yield (
        "master",
        SealedShares(round=number, sealed=sealed, signatures=dict.fromkeys(names, signature)),
    )
    yield "child", MaskedUpdate(round=number, values=np.zeros(size, np.uint32))
    yield "master", Turn(task="open")
    yield "master", Survivors(round=number, children=names)
    yield "child", Opening(round=number, seeds=dict.fromkeys([*others, ours], bytes(32)), keys={})


_SEALED = 80  # bytes of two shares, sealed
_WORDS = 5000  # that a child names
_TOKENIZER = 500_000  # bytes
