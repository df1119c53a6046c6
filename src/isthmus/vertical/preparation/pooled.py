"""The same preparation of columns that lie in one place, for comparison."""

from collections.abc import Sequence

from isthmus.core.arrays import Integers
from isthmus.vertical.preparation import evidence, own, selection
from isthmus.vertical.preparation.columns import Prepared
from isthmus.vertical.preparation.evidence import Grouped
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
    label, select = parties[0].train.label, spec.select

    def events(bins: Sequence[Grouped]) -> Sequence[Integers]:
        return evidence.label_sums(bins, own.binary(label))

    made = [own.candidates(party, spec, events) for party in parties]
    first = own.compared(parties[0], made[0], select)
    others = zip(parties[1:], made[1:], strict=True)
    if select is None or select.active_columns is None:
        return [first, *(own.compared(party, each, select) for party, each in others)]
    theirs = own.quantised(parties[0], first.columns).integers()
    found = [first]
    for party, each in others:
        products = own.quantised(party, each.columns).integers().T @ theirs
        moments = selection.moments(theirs)
        found.append(own.compared_with(party, each, select, moments, products))
    return found
