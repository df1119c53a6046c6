"""Updates of children to messages and back, in the form that the job asks for."""

from isthmus.horizontal.messages import RoundUpdate
from isthmus.horizontal.parameters import Layout, Parameters, misfit
from isthmus.horizontal.privacy.compression import (
    Coarse,
    Sparse,
    compress,
    dense,
    fine,
    packed,
    unpacked,
    widened,
)
from isthmus.horizontal.privacy.messages import CoarseUpdate, MaskKeys, SparseUpdate
from isthmus.horizontal.privacy.spec import EightBit, TopK
from isthmus.horizontal.rounds.memory import LastUpdate
from isthmus.horizontal.rounds.training import Contribution, Training
from isthmus.horizontal.tables import Tables
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


def compressed(
    update: Parameters, compression: TopK | EightBit | None, state: Arrays, tables: Tables
) -> Arrays:
    """Compress an update, if the job says so.

    Args:
        update: Parameters after training minus before.
        compression: How to, or none.
        state: The state of the child between rounds; what compression leaves out is kept in it.
        tables: Of the model.

    Returns:
        The arrays to send; without compression, the update.
    """
    if compression is None:
        return dict(update)
    layout = Layout.of(update)
    return compress(layout.to_vector(update), compression, layout, state, tables)._asdict()


def to_message(last: LastUpdate, compression: TopK | EightBit | None, tables: Tables) -> Update:
    """Make the message for an update; of tables, only the rows that it touches are sent.

    Args:
        last: What `compressed` returned.
        compression: How it was made smaller.
        tables: Of the model.

    Returns:
        The message.
    """
    match compression:
        case TopK():
            return SparseUpdate(round=last.round, metrics=last.metrics, **last.update)
        case EightBit():
            return CoarseUpdate(round=last.round, metrics=last.metrics, **last.update)
        case None:
            touched = tables.touched(Layout.of(last.update).to_vector(last.update))
            return RoundUpdate(
                round=last.round,
                metrics=last.metrics,
                update=tables.cut(last.update, touched),
                rows=packed(touched),
            )


def from_message(
    child: str, samples: int, answer: Update, layout: Layout, tables: Tables
) -> Contribution:
    """Read the update in the message of a child.

    Args:
        child: Name of the child.
        samples: Number of samples that it has confirmed.
        answer: Its message.
        layout: Names and shapes of the encoder's parameters.
        tables: Of these.

    Returns:
        The contribution.

    Raises:
        ValueError: The answer does not fit the encoder; the text is one clause that says why.
    """
    match answer:
        case RoundUpdate():
            touched = unpacked(answer.rows, tables)
            if flaw := misfit(answer.update, tables.cut_layout(touched)):
                raise ValueError(flaw)
            update = tables.filled(answer.update, touched)
        case SparseUpdate():
            kept = Sparse(answer.positions, answer.values)
            update = layout.to_parameters(dense(kept, layout.size))
        case CoarseUpdate():
            rounded = widened(Coarse(answer.steps, answer.levels, answer.rows), layout, tables)
            update = layout.to_parameters(fine(rounded, layout))
    return Contribution(child, samples, update, answer.metrics)
