"""A fusion rule as a strategy of Flower, for any Flower app.

    strategy = FusionStrategy(TrimmedMean(faulty=1), fraction_evaluate=0.5)
    result = strategy.start(grid, initial_arrays, num_rounds=10)

Its ClientApps stay as they are: they answer with their parameters and, as a metric, with the number
of their samples, as for Flower's own FedAvg. Scaffold is not among the rules here, as its
children have to send their controls too.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from logging import INFO, WARNING
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.common.logger import log
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg
from numpy.typing import NDArray

from isthmus.core.errors import IsthmusError, JobError, PeerError, SpecError
from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.contributions import checked_update
from isthmus.horizontal.fusion.rules import Gathered, Need
from isthmus.horizontal.fusion.spec import FedProx, FusionRule, Limits, TouchMean
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.validation_gradient import LossGradient
from isthmus.horizontal.fusion.weigher import Judge, Weigher
from isthmus.horizontal.parameters import Layout, Parameters, Vector
from isthmus.horizontal.tables import Tables
from isthmus.transport.message import one_line


@dataclass(frozen=True)
class Root:
    """What the server computes on samples of its own, for the rules that need it."""

    update: Callable[[Parameters], Parameters] | None = None
    """From the parameters of a round to an update trained from them, for `fltrust`."""

    loss_gradient: Callable[[Parameters], LossGradient] | None = None
    """For `validation_gradient`."""

    weigher: Weigher | None = None
    """The actor-critic, for `actor_critic`."""

    judge: Callable[[Parameters], Judge] | None = None
    """Scores updates for the actor-critic, for `actor_critic`."""


_NOTHING, _LIMITS = Root(), Limits()


class FusionStrategy(FedAvg):
    """One of our fusion rules, with the sampling and the evaluation of Flower's FedAvg.

    A node whose answer is no update of this model, or is beyond the limits, is left out of the
    round; so is the round, where too few are left. Arrays that hold no real numbers, for example
    counters, keep their first value.
    """

    def __init__(
        self, rule: FusionRule, *, root: Root = _NOTHING, limits: Limits = _LIMITS, **sampling: Any
    ) -> None:
        """Prepare a strategy.

        Args:
            rule: What fuses the nodes' updates.
            root: What the server knows by itself.
            limits: What is taken from a node.
            **sampling: What Flower's FedAvg takes, for example `fraction_train`.

        Raises:
            SpecError: The rule needs something that is not given.
        """
        super().__init__(**sampling)
        lacking = rules.needs(rule) & _lacking(rule, root)
        if lacking:
            raise SpecError(
                f"the fusion rule {rules.name(rule)!r} needs {' and '.join(sorted(lacking))}: "
                "this strategy does not have it. See `Root`, or choose another rule."
            )
        self.rule = rule
        self.weights: list[dict[int, float]] = []
        """Weight of each node, by round; empty where the rule gives no weights."""

        self._root = root
        self._limits = limits
        self._rule_state: _RuleState | None = None
        self._start: _Model | None = None

    def summary(self) -> None:
        """Log what this strategy is."""
        log(INFO, "\t├──> Fusion rule: %s", rules.name(self.rule))
        super().summary()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Send parameters to the nodes of a round, and keep them: updates are relative to them."""
        self._start = _Model.of(arrays)
        if self._rule_state is None:
            self._rule_state = _RuleState.initial(self.rule, self._start.layout, self._root)
        if isinstance(self.rule, FedProx):
            config["proximal-mu"] = self.rule.proximal  # as Flower's FedProx does
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Fuse the replies of the nodes of a round.

        Args:
            server_round: Number of the round, from 1.
            replies: The replies of the nodes.

        Returns:
            The parameters for the next round and the mean metrics; nothing where the round
            changes nothing.

        Raises:
            ValueError: No round was configured.
        """
        start, rule_state = self._start, self._rule_state
        if start is None or rule_state is None:
            raise ValueError("configure_train comes before aggregate_train")
        ordered = sorted(replies, key=lambda it: it.metadata.src_node_id)
        taken = [it for reply in ordered if (it := self._taken(reply, start))]
        try:
            fused, weights = rule_state.fused(self.rule, self._root, start.parameters, taken)
        except JobError as error:
            log(WARNING, "Round %s changes nothing: %s", server_round, error)
            return None, None
        self.weights.append(weights)
        return start.moved(fused), _mean_metrics(taken)

    def _taken(self, answer: Message, start: "_Model") -> "_Taken | None":
        node = answer.metadata.src_node_id
        try:
            return self._checked(answer, start)
        except IsthmusError as error:
            log(WARNING, "Node %s is left out: %s", node, one_line(str(error)))
            return None

    def _checked(self, answer: Message, start: "_Model") -> "_Taken":
        node = answer.metadata.src_node_id
        if answer.has_error():
            raise PeerError(f"it failed: {answer.error.reason}")
        metrics = _scalars(answer)
        samples = metrics.pop(self.weighted_by_key, 0.0)
        if not float(samples).is_integer():
            raise PeerError(f"{self.weighted_by_key!r} is no whole number")
        update = start.update(_only(answer.content.array_records))
        vector = checked_update(str(node), update, int(samples), start.layout, self._limits)
        return _Taken(node, vector, int(samples), metrics)


RecordT = TypeVar("RecordT")


class _Taken(NamedTuple):
    node: int
    update: Vector
    samples: int
    metrics: dict[str, float]


class _Model:
    """Parameters, as Flower has them and as we do."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self.parameters: Parameters = {
            name: np.asarray(it, np.float32)
            for name, it in arrays.items()
            if np.issubdtype(it.dtype, np.floating)
        }
        self.layout = Layout.of(self.parameters)

    @classmethod
    def of(cls, record: ArrayRecord) -> "_Model":
        return cls({name: _read(array) for name, array in record.items()})

    def update(self, record: ArrayRecord) -> Parameters:
        theirs = _Model.of(record).parameters
        if {name: it.shape for name, it in theirs.items()} != dict(self.layout.shapes):
            raise PeerError("its arrays are not those of this model")
        return {name: np.asarray(it - self.parameters[name]) for name, it in theirs.items()}

    def moved(self, update: Vector) -> ArrayRecord:
        moves = self.layout.to_parameters(update)
        return ArrayRecord(
            {
                name: Array(np.asarray(it + moves[name], it.dtype) if name in moves else it)
                for name, it in self._arrays.items()
            }
        )


@dataclass
class _RuleState:
    """The state of a rule from round to round, and the numbers of the nodes."""

    layout: Layout
    tables: Tables
    state: State
    weigher_state: State | None
    numbers: dict[int, int]  # of the nodes that were seen, in the order in which they came

    @classmethod
    def initial(cls, rule: FusionRule, layout: Layout, root: Root) -> "_RuleState":
        weigher_state = root.weigher.start() if root.weigher else None
        tables = Tables(layout, rule.tables if isinstance(rule, TouchMean) else ())
        return cls(layout, tables, rules.start(rule, layout.size), weigher_state, {})

    def fused(
        self, rule: FusionRule, root: Root, start: Parameters, taken: list[_Taken]
    ) -> tuple[Vector, dict[int, float]]:
        if len(taken) < rules.least_children(rule):
            raise JobError(f"{len(taken)} nodes are too few for the rule {rules.name(rule)!r}.")
        gathered = self._gathered(root, start, taken)
        fused = rules.fuse(rule, gathered, self.state)
        self.state = fused.state
        weights = () if fused.weights is None else fused.weights
        return fused.update, {it.node: float(w) for it, w in zip(taken, weights, strict=False)}

    def _gathered(self, root: Root, start: Parameters, taken: list[_Taken]) -> Gathered:
        for it in taken:
            self.numbers.setdefault(it.node, len(self.numbers))
        gathered = Gathered(
            updates=np.stack([it.update for it in taken]),
            children=np.array([self.numbers[it.node] for it in taken]),
            enrolled=len(self.numbers),
            counts=np.array([it.samples for it in taken]),
            tables=self.tables,
            root_update=self.layout.to_vector(root.update(start)) if root.update else None,
            loss_gradient=root.loss_gradient(start) if root.loss_gradient else None,
        )
        return self._weighed(gathered, root, start)

    def _weighed(self, gathered: Gathered, root: Root, start: Parameters) -> Gathered:
        if root.weigher is None or root.judge is None or self.weigher_state is None:
            return gathered
        chosen = root.weigher.choose(gathered, root.judge(start), self.weigher_state)
        self.weigher_state = chosen.state
        return replace(gathered, weights=chosen.weights)


def _lacking(rule: FusionRule, root: Root) -> set[Need]:
    has = {
        Need.TABLES: rule.tables or None if isinstance(rule, TouchMean) else None,
        Need.ROOT_UPDATE: root.update,
        Need.LOSS_GRADIENT: root.loss_gradient,
        Need.WEIGHTS: root.weigher and root.judge,
        Need.CONTROL_CHANGES: None,
    }
    return {need for need, it in has.items() if it is None}


def _read(array: Array) -> NDArray[Any]:
    try:
        values = cast(object, array.numpy())
    except Exception as error:  # noqa: BLE001 - the bytes of a file, from a stranger
        raise PeerError(f"an array cannot be read: {error}") from None
    if not isinstance(values, np.ndarray):  # numpy opens archives too
        raise PeerError("what should be an array is none")
    return cast(NDArray[Any], values)


def _scalars(answer: Message) -> dict[str, float]:
    record = _only(answer.content.metric_records)
    return {name: float(it) for name, it in record.items() if isinstance(it, int | float)}


def _only(records: Mapping[str, RecordT]) -> RecordT:
    if len(records) != 1:
        raise PeerError(f"it sent {len(records)} records where one was due")
    return next(iter(records.values()))


def _mean_metrics(taken: list[_Taken]) -> MetricRecord:
    """Means by sample of the metrics that all nodes sent."""
    names = set[str].intersection(*(set(it.metrics) for it in taken))
    counts = [it.samples for it in taken]
    return MetricRecord(
        {
            name: float(np.average([it.metrics[name] for it in taken], weights=counts))
            for name in sorted(names)
        }
    )
