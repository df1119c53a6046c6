"""Facts about the data sets of a party, before and after the alignment."""

from collections.abc import Mapping

from isthmus.data.facts import Facts
from isthmus.data.index import Index
from isthmus.jobs.aligned.plan import AlignedPlan


def facts(plan: AlignedPlan) -> dict[str, str]:
    """Returns the forms of identifiers by data set, for `isthmus check`."""
    told = dict[str, str]()
    for name, each in _facts(plan).items():
        key = "identifiers" if name == plan.loaded.data.train else f"identifiers of {name}"
        told[key] = f"{each.rows - each.left_out:,}: {each.about_identifiers()}"
    return told


def warnings(plan: AlignedPlan) -> list[str]:
    """Returns sentences about what may not be meant in the data, before anything is shared."""
    return [
        f"{note[:1].upper()}{note[1:]}." for each in _facts(plan).values() for note in each.notes
    ]


def share_found(plan: AlignedPlan, size: int | None) -> dict[str, float]:
    """Returns the share of our rows that are shared, by our name; nothing if we are not told."""
    return {} if size is None else {plan.party.party: size / len(plan.train)}


def never_found(plan: AlignedPlan, indices: Mapping[str, Index]) -> list[str]:
    """Warn of whole forms of identifiers that no other party seems to have.

    Args:
        plan: The job and the party.
        indices: Its shared rows by data set.

    Returns:
        Sentences.
    """
    return [
        f"Of {name!r}, {sentence}"
        for name, each in _facts(plan).items()
        if name in indices
        for forms in each.forms
        for sentence in forms.never_found(indices[name].rows)
    ]


def _facts(plan: AlignedPlan) -> dict[str, Facts]:
    """Those of the data sets that were read from somewhere."""
    return {
        name: table.facts
        for name, table in plan.tables.items()
        if table.facts and table.facts.forms
    }
