"""Updates of children to messages and back, in the form that the job asks for."""

from isthmus.horizontal.messages import RoundUpdate
from isthmus.horizontal.parameters import Layout, Parameters, misfit
from isthmus.horizontal.privacy.compression import Coarse, Sparse, compress, dense, fine
from isthmus.horizontal.privacy.messages import CoarseUpdate, MaskKeys, SparseUpdate
from isthmus.horizontal.privacy.spec import EightBit, TopK
from isthmus.horizontal.rounds.memory import LastUpdate
from isthmus.horizontal.rounds.training import Contribution, Training
from isthmus.store.checkpoint import Arrays

Update = RoundUpdate | SparseUpdate | CoarseUpdate
Answer = Update | MaskKeys


def answer_type(training: Training) -> type[Answer]:
    """Returns the type of the message by which a child answers a round."""
    if training.secure_rule:
        return MaskKeys
    match training.compression:
        case TopK():
            return SparseUpdate
        case EightBit():
            return CoarseUpdate
        case None:
            return RoundUpdate


def compressed(update: Parameters, compression: TopK | EightBit | None, state: Arrays) -> Arrays:
    """Compress an update, if the job says so.

    Args:
        update: Parameters after training minus before.
        compression: How to, or none.
        state: The state of the child between rounds; what compression leaves out is kept in it.

    Returns:
        The arrays to send.
    """
    if compression is None:
        return dict(update)
    layout = Layout.of(update)
    return compress(layout.to_vector(update), compression, layout, state)._asdict()


def to_message(last: LastUpdate, compression: TopK | EightBit | None) -> Update:
    """Returns the message for an update that `compressed` returned."""
    match compression:
        case TopK():
            return SparseUpdate(round=last.round, metrics=last.metrics, **last.update)
        case EightBit():
            return CoarseUpdate(round=last.round, metrics=last.metrics, **last.update)
        case None:
            return RoundUpdate(round=last.round, metrics=last.metrics, update=last.update)


def from_message(child: str, samples: int, answer: Update, layout: Layout) -> Contribution:
    """Read the update in the message of a child.

    Args:
        child: Name of the child.
        samples: Number of samples that it has confirmed.
        answer: Its message.
        layout: Names and shapes of the encoder's parameters.

    Returns:
        The contribution.

    Raises:
        ValueError: The answer does not fit the encoder; the text is one clause that says why.
    """
    match answer:
        case RoundUpdate():
            update = answer.update
            if flaw := misfit(update, layout):
                raise ValueError(flaw)
        case SparseUpdate():
            kept = Sparse(answer.positions, answer.values)
            update = layout.to_parameters(dense(kept, layout.size))
        case CoarseUpdate():
            rounded = Coarse(answer.steps, answer.levels)
            update = layout.to_parameters(fine(rounded, layout))
    return Contribution(child, samples, update, answer.metrics)
