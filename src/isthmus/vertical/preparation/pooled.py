"""The same preparation of columns that lie in one place, for comparison."""

from collections.abc import Sequence

from isthmus.vertical.preparation import evidence, own
from isthmus.vertical.preparation.columns import Prepared
from isthmus.vertical.preparation.own import Own
from isthmus.vertical.preparation.spec import Preparation


def prepare_pooled(parties: Sequence[Own], spec: Preparation) -> list[Prepared]:
    """Prepare the columns of all parties, with the labels of the first one.

    Args:
        parties: What each brings, rows in one order; the active party first.
        spec: The `[preparation]` table.

    Returns:
        The columns of each.

    Raises:
        SpecError: A column or the label does not fit the steps.
    """
    label = None if spec.woe is None else own.binary(parties[0].train.label)
    found = list[Prepared]()
    for party in parties:
        made = own.candidates(
            party, spec, lambda bins: evidence.label_sums(bins, own.binary(label))
        )
        found.append(own.compared(party, made, spec.select))
    return found
