"""The passive party's role: it helps to score rows with its part of the model."""

from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import scoring
from isthmus.vertical.boosting.model import Part as TreePart
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.regression.messages import PartialPredictor
from isthmus.vertical.regression.model import Part as LinearPart
from isthmus.vertical.regression.rows import send_rows


def passive(active: Channel, part: LinearPart | TreePart, rows: Table, spec: Prediction) -> None:
    """Send our share of each row's score, as training did for its test rows.

    Of a regression, the active party learns our share of each row's linear predictor; of trees,
    whether each row would go left at each of our splits. We learn nothing but the number of rows.

    Args:
        active: The channel to the active party.
        part: Our part of the model.
        rows: Our columns of the rows to score, in the common order.
        spec: The `[prediction]` table.
    """
    if isinstance(part, LinearPart):
        send_rows(active, PartialPredictor, part.predictor(rows.features), spec.block_rows)
    else:
        scoring.send_decisions(active, part, rows, spec.block_rows)
