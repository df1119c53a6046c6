"""The active party's role: it gets the scores of rows, of all of them at once or online."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.core.errors import ChannelError, IsthmusError, PeerError, SpecError
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting import scoring
from isthmus.vertical.boosting.model import ActivePart as TreePart
from isthmus.vertical.boosting.predict import Scorer
from isthmus.vertical.prediction.decision import decide
from isthmus.vertical.prediction.forecast import answers
from isthmus.vertical.prediction.messages import RequestedRows
from isthmus.vertical.prediction.requests import too_many
from isthmus.vertical.prediction.spec import MOST_ROWS, Prediction
from isthmus.vertical.regression.families import with_zero
from isthmus.vertical.regression.messages import PartialPredictor
from isthmus.vertical.regression.model import Part as LinearPart
from isthmus.vertical.regression.shares import Share, Totals, relay


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
        Expected labels, shape (rows,); or probabilities of classes, shape (classes, rows). With
        a `decision`, 1 where the expected label is above the cut, else 0, shape (rows,).

    Raises:
        SpecError: The model makes no such decisions; nothing was sent.
        PeerError: A passive party broke the protocol.
    """
    if spec.decision is not None:
        return _decided(passives, part, rows, spec.decision.cut)
    if isinstance(part, LinearPart):
        totals = Totals([passives[name] for name in sorted(passives)], spec.block_rows)
        relay(totals.passives)
        theirs = totals.rows(PartialPredictor, len(rows), _contrasts(part))
        return _expected(part, rows, theirs)
    found = scoring.receive_scores(passives, Scorer(part), rows, spec.block_rows)
    return _outputs(found)


def _contrasts(part: LinearPart) -> tuple[int, ...]:
    """Shape of what crosses of each row: all classes but one."""
    return tuple(count - 1 for count in part.outputs)


def _expected(part: LinearPart, rows: Table, theirs: Floats) -> Floats:
    return part.predict(rows.features, with_zero(theirs), rows.offsets).T


def _decided(
    passives: Mapping[str, Channel], part: LinearPart | TreePart, rows: Table, cut: float
) -> Floats:
    if not isinstance(part, LinearPart) or part.outputs or len(passives) > 1:
        raise SpecError(
            "decisions are for a regression of two parties whose scores are one number: take "
            "`decision` out of the job to get scores. Nothing was sent."
        )
    (passive,) = passives.values()
    return decide(passive, part, part.share(rows.features, rows.offsets), cut).astype(np.float64)


class Asking:
    """Scores rows online: asks the passive parties about them, and adds up what they answer.

    A request names rows by their positions in the shared index: no identifier crosses. Every score
    needs all passive parties, so the first line that fails ends it.
    """

    def __init__(
        self,
        passives: Mapping[str, Channel],
        part: LinearPart | TreePart,
        spec: Prediction,
        requests: Counter[int],
        check: Callable[[Table], None],
    ) -> None:
        """Prepare our part of the model.

        Args:
            passives: The channels to the passive parties.
            part: Our part of the model.
            spec: The `[prediction]` table.
            requests: Counts the requests of this run, by their number of rows.
            check: Refuses rows that the model cannot score.
        """
        assert spec.online is not None, "ask `online` first"  # noqa: S101 - a mistake of ours
        self._passives = passives
        self._asked = {name: line for name, line in passives.items() if answers(spec, name)}
        self._model = _Linear(part, passives) if isinstance(part, LinearPart) else _Trees(part)
        self._online = spec.online
        self._requests = requests
        self._check = check
        self._failed = dict[str, IsthmusError]()
        self._unread = False

    def __call__(self, rows: Table, positions: Integers) -> Floats:
        """Score rows.

        Args:
            rows: Our columns of the rows.
            positions: Positions of the same rows in the shared index, shape (rows,).

        Returns:
            Expected labels, shape (rows,); or probabilities of classes, shape (classes, rows).

        Raises:
            SpecError: They are more than the job allows, or do not fit the model; nothing was sent.
            ChannelError: A passive party has stopped, or the line to it is cut.
            PeerError: A passive party broke the protocol.
        """
        # 1. Is it allowed?
        self._refuse_failed()
        self._check(rows)
        fault = too_many(len(rows), self._online, self._requests)
        if fault:
            raise SpecError(f"{fault}. Nothing was sent.")

        # 2. Ask all passive parties, and read every answer: the others end well if one fails. An
        # answer that is left unread, by an interruption, would be taken for that of other rows.
        self._unread = True
        self._requests[len(rows)] += 1
        request = RequestedRows(rows=positions.astype(np.uint32))
        for name, line in self._asked.items():
            self._attempt(name, partial(line.send, request))
        theirs = {
            name: self._attempt(name, partial(self._model.read, line, name, len(rows)))
            for name, line in self._asked.items()
        }
        self._unread = False
        self._refuse_failed()

        # 3. Add up.
        return self._model.score(rows, theirs)

    def end(self) -> list[str]:
        """Tell the passive parties that there are no more requests.

        Returns:
            The names of those that know it now; the others have left.
        """
        if self._unread:
            return []
        last = RequestedRows(rows=np.empty(0, np.uint32))
        for name, line in self._passives.items():
            self._attempt(name, partial(line.send, last))
        told = [name for name in self._passives if name not in self._failed]
        self._requests[0] += bool(told)
        return told

    def _refuse_failed(self) -> None:
        if self._unread:
            raise ChannelError(
                "a request was interrupted, and its answers are still on their way: close the "
                "lines, and start the job again on both sides."
            )
        for error in self._failed.values():
            raise error

    def _attempt(self, name: str, act: Callable[[], Any]) -> Any:
        """Use the line to a party, unless it has failed before."""
        if name in self._failed:
            return None
        try:
            return act()
        except ChannelError:
            self._failed[name] = ChannelError(
                f"{name!r} answers no more: it was stopped, or the line to it is cut. To go on, "
                "start the job again on both sides."
            )
        except PeerError as error:
            self._failed[name] = error
        return None


class _Linear:
    """The part of a regression."""

    def __init__(self, part: LinearPart, passives: Mapping[str, Channel]) -> None:
        self._part = part
        self._totals = Totals([passives[name] for name in sorted(passives)], MOST_ROWS)
        relay(self._totals.passives)

    def read(self, passive: Channel, _name: str, rows: int) -> Share:
        return self._totals.share(passive, PartialPredictor, slice(0, rows), _contrasts(self._part))

    def score(self, rows: Table, theirs: Mapping[str, Share]) -> Floats:
        return _expected(self._part, rows, self._totals.add(list(theirs.values())))


class _Trees:
    """The part of boosted trees."""

    def __init__(self, part: TreePart) -> None:
        self._score = Scorer(part)

    def read(self, passive: Channel, name: str, rows: int) -> Bools:
        return scoring.receive_decisions(passive, 0, (rows, self._score.splits(name)))

    def score(self, rows: Table, theirs: Mapping[str, Bools]) -> Floats:
        return _outputs(self._score(rows, theirs))


def _outputs(found: Floats) -> Floats:
    return found if len(found) > 1 else found[0]
