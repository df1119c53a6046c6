"""What a child answers to a round, in the form in which the job lets updates travel."""

from isthmus.horizontal.course import Contribution, Training
from isthmus.horizontal.memory import LastUpdate
from isthmus.horizontal.messages import RoundUpdate
from isthmus.horizontal.parameters import Layout, Parameters, misfit
from isthmus.horizontal.privacy.compression import Coarse, Sparse, compress, dense, fine
from isthmus.horizontal.privacy.messages import CoarseUpdate, MaskKeys, SparseUpdate
from isthmus.horizontal.privacy.spec import EightBit, TopK
from isthmus.store.checkpoint import Arrays

Update = RoundUpdate | SparseUpdate | CoarseUpdate
Answer = Update | MaskKeys


def kind(training: Training) -> type[Answer]:
    """What a child that has trained answers with."""
    if training.blind:
        return MaskKeys
    match training.compression:
        case TopK():
            return SparseUpdate
        case EightBit():
            return CoarseUpdate
        case None:
            return RoundUpdate


def reduced(update: Parameters, compression: TopK | EightBit | None, state: Arrays) -> Arrays:
    """An update as it will be sent.

    Args:
        update: Parameters after training minus before.
        compression: What the job says.
        state: What the child keeps from round to round; what is left out is kept in it.

    Returns:
        The update itself, or the arrays that stand for it.
    """
    if compression is None:
        return dict(update)
    layout = Layout.of(update)
    return compress(layout.to_vector(update), compression, layout, state)._asdict()


def written(last: LastUpdate, compression: TopK | EightBit | None) -> Update:
    """The message for what `reduced` gave."""
    match compression:
        case TopK():
            return SparseUpdate(round=last.round, metrics=last.metrics, **last.update)
        case EightBit():
            return CoarseUpdate(round=last.round, metrics=last.metrics, **last.update)
        case None:
            return RoundUpdate(round=last.round, metrics=last.metrics, update=last.update)


def read(child: str, samples: int, answer: Update, layout: Layout) -> Contribution:
    """What a child brings with its answer.

    Args:
        child: Who answers.
        samples: How many it has confirmed.
        answer: What came from it.
        layout: Of the encoder.

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
