"""The active party's role: it gets the scores of rows."""

from collections.abc import Mapping

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import scoring
from isthmus.vertical.boosting.model import ActivePart as TreePart
from isthmus.vertical.boosting.predict import Scorer
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.regression.messages import PartialPredictor
from isthmus.vertical.regression.model import Part as LinearPart
from isthmus.vertical.regression.rows import receive_rows


def active(
    passives: Mapping[str, Channel], part: LinearPart | TreePart, rows: Table, spec: Prediction
) -> Floats:
    """Score rows with our part of the model and what the passive parties send.

    Args:
        passives: The channels to the passive parties.
        part: Our part of the model.
        rows: Our columns of the rows to score, in the common order.
        spec: The `[prediction]` table.

    Returns:
        Expected labels, shape (rows,); or probabilities of classes, shape (classes, rows).

    Raises:
        PeerError: A passive party broke the protocol.
    """
    if isinstance(part, LinearPart):
        (passive,) = passives.values()
        theirs = receive_rows(passive, PartialPredictor, len(rows), spec.block_rows)
        return part.predict(rows.features, theirs)
    found = scoring.receive_scores(passives, Scorer(part), rows, spec.block_rows)
    return found if len(found) > 1 else found[0]
