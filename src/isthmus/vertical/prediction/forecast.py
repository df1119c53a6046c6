"""Forecast of the messages of scoring: all sizes follow from the job and the number of rows."""

from collections import Counter

import numpy as np

from isthmus.ledger.forecast import Flow, Sizes
from isthmus.transport.message import Message
from isthmus.vertical.boosting.messages import Decisions, pack_bits
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.regression.messages import PartialPredictor


def forecast(spec: Prediction, passive: str, sizes: Sizes) -> list[Flow]:
    """Forecast the messages between the active party and a passive one.

    Args:
        spec: The `[prediction]` table.
        passive: Name of the passive party.
        sizes: Numbers of rows; those to score are its test rows.

    Returns:
        The flows: only the passive party sends.
    """
    splits = spec.splits.get(passive, 0)
    if spec.system == "boosting" and not splits:
        return []

    def message(first_row: int, rows: int) -> Message:
        if spec.system == "regression":
            return PartialPredictor(first_row=first_row, values=np.zeros(rows))
        return Decisions(first_row=first_row, left=pack_bits(np.zeros((rows, splits), np.bool_)))

    starts = range(0, sizes.test, spec.block_rows)
    found = Counter((min(spec.block_rows, sizes.test - at), _largest_alike(at)) for at in starts)
    return [Flow("passive", message(first, rows), count) for (rows, first), count in found.items()]


def _largest_alike(number: int) -> int:
    """The largest number that takes as many bytes on the line as this one."""
    return next(most for most in (2**7 - 1, 2**8 - 1, 2**16 - 1, 2**32 - 1) if number <= most)
