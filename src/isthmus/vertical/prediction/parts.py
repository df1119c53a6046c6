"""The parts of stored models that rows can be scored with."""

from collections.abc import Mapping

from isthmus.core.errors import SpecError
from isthmus.data.table import Table
from isthmus.vertical.boosting.model import ActivePart
from isthmus.vertical.boosting.model import Part as TreePart
from isthmus.vertical.prediction.spec import Prediction
from isthmus.vertical.regression.model import Part as LinearPart
from isthmus.vertical.regression.system import check_numbers
from isthmus.vertical.scoring_system import StoredPart

AnyPart = LinearPart | ActivePart | TreePart


def active_part(stored: StoredPart) -> LinearPart | ActivePart:
    """Read the active party's part of a model.

    Args:
        stored: The run that trained it.

    Returns:
        The part.

    Raises:
        SpecError: The file of the model was changed.
    """
    if stored.system == "regression":
        return stored.run.read_json(stored.run.model.name, LinearPart)
    return stored.run.read_json(stored.run.model.name, ActivePart)


def passive_part(stored: StoredPart) -> LinearPart | TreePart:
    """Read a passive party's part of a model.

    Args:
        stored: The run that trained it.

    Returns:
        The part.

    Raises:
        SpecError: The file of the model was changed.
    """
    if stored.system == "regression":
        return stored.run.read_json(stored.run.model.name, LinearPart)
    return stored.run.read_json(stored.run.model.name, TreePart)


def check(spec: Prediction, stored: StoredPart, rows: Table) -> None:
    """Refuse a part that is not what the job says, or rows that it was not trained for.

    Args:
        spec: The `[prediction]` table.
        stored: The run that trained the part.
        rows: The rows to score.

    Raises:
        SpecError: They do not fit each other.
    """
    run = stored.run
    if stored.system != spec.system:
        raise SpecError(
            f"`prediction.system` is {spec.system!r}, and the run {run.folder} trained a "
            f"{stored.system}: correct it in the job."
        )
    part = _part(stored)
    names = _names(part)
    if sorted(names) != sorted(rows.names):
        raise SpecError(
            f"{run.model}: is a model of the columns {', '.join(names)}, and {run.columns} says "
            f"that it was trained on {', '.join(rows.names)}: one of the files was changed."
        )
    if isinstance(part, LinearPart):
        check_numbers(rows, None)
        part.check_offset(rows)
        if spec.decision is not None:
            check_cut(stored, spec.decision.cut)
    else:
        _check_splits(spec.splits, _splits(part, stored.party), stored)


def check_cut(stored: StoredPart, cut: float) -> None:
    """Refuse a cut that no score is at, where this party has the part that knows.

    Args:
        stored: The run that trained a regression.
        cut: Score above which the active party learns a decision.

    Raises:
        SpecError: No score of the model is there.
    """
    part = _part(stored)
    if isinstance(part, LinearPart) and stored.role == "active":
        from isthmus.vertical.prediction.decision import (  # noqa: PLC0415 - SEAL is slow
            predictor_at,
        )

        predictor_at(part, cut)


def of_run(stored: StoredPart, model: str) -> Prediction:
    """Write the table of a job that scores with the model of a run.

    Args:
        stored: The run.
        model: Digest of the model.

    Returns:
        The `[prediction]` table.

    Raises:
        SpecError: The file of the model was changed.
    """
    part = _part(stored)
    if isinstance(part, LinearPart):
        return Prediction(model=model, system="regression", classes=sum(part.outputs))
    return Prediction(model=model, system="boosting", splits=_splits(part, stored.party))


def _part(stored: StoredPart) -> AnyPart:
    return active_part(stored) if stored.role == "active" else passive_part(stored)


def _names(part: AnyPart) -> list[str]:
    if isinstance(part, LinearPart):
        return [column.name for column in part.columns]
    return [column.binning.name for column in part.columns]


def _splits(part: ActivePart | TreePart, party: str) -> dict[str, int]:
    """Splits by passive party, as far as a part knows them."""
    if isinstance(part, TreePart):
        return {party: len(part.splits)}
    return {name: len(part.splits_on(codes)) for name, codes in part.passives.items()}


def _check_splits(said: Mapping[str, int], known: Mapping[str, int], stored: StoredPart) -> None:
    for party, count in known.items():
        if said.get(party, 0) != count:
            raise SpecError(
                f"`prediction.splits` says {said.get(party, 0)} for {party!r}, and the model in "
                f"{stored.run.folder} has {count} splits on its columns. Let the active party "
                "write the job anew: `isthmus init --from RUN score.toml`."
            )
