"""Reads the page about a run in rounds from the run folder."""

from collections.abc import Sequence

from isthmus.core import spec
from isthmus.evaluation.pages.page import names
from isthmus.evaluation.pages.rounds_report import Child, RoundsReport
from isthmus.horizontal.privacy.spec import (
    ChildLevel,
    EightBit,
    Privacy,
    SampleLevel,
    SecureAggregation,
    TopK,
)
from isthmus.horizontal.rounds.training import Round
from isthmus.horizontal.system import EPSILON
from isthmus.jobs import page
from isthmus.jobs.party import PARTY_FILE, Party
from isthmus.jobs.rounds.results import RoundsResult, SimulatedRounds
from isthmus.store.runs import Run

_WHOLES = {"total"}
"""Times that other stages are parts of."""


def read(run: Run, simulated: Run | None = None) -> RoundsReport:
    """Find what the page shows.

    Args:
        run: The run folder of one party.
        simulated: That of the simulated run which it is part of, if it is.

    Returns:
        All of it.

    Raises:
        SpecError: The run has not finished, or its files are not what a run writes.
    """
    result = run.read_json(run.result.name, RoundsResult)
    history = run.read_json(run.rounds.name, list[Round])
    children = [_child(name, history, result, simulated) for name in _names(history)]
    joint = (
        None if simulated is None else simulated.read_json(simulated.result.name, SimulatedRounds)
    )
    return RoundsReport(
        **page.facts(run, result, _WHOLES),
        network=result.network,
        rule=result.rule,
        model=result.model,
        rounds=result.rounds,
        train=result.rows["train"],
        test=result.rows["test"],
        metrics=result.metrics,
        children=children,
        simulated=joint.metrics if joint else {},
        by_party=joint.metrics_by_party if joint else {},
        privacy=_privacy(result.privacy, result, children),
        warnings=_warnings(result, children),
    )


def _names(history: Sequence[Round]) -> list[str]:
    return sorted({child for it in history for child in (*it.taken, *it.left_out)})


def _child(
    name: str, history: Sequence[Round], result: RoundsResult, simulated: Run | None
) -> Child:
    taken = {number: it.taken[name] for number, it in enumerate(history, 1) if name in it.taken}
    measures = dict.fromkeys(measure for it in taken.values() for measure in it.metrics)
    return Child(
        name=name,
        samples=next((it.samples for it in reversed(taken.values())), None),
        rounds=list(taken),
        weights={number: it.weight for number, it in taken.items() if it.weight is not None},
        metrics={
            measure: {
                number: it.metrics[measure] for number, it in taken.items() if measure in it.metrics
            }
            for measure in measures
        },
        left_out={
            number: it.left_out[name] for number, it in enumerate(history, 1) if name in it.left_out
        },
        suspicion=result.suspects.get(name, []),
        attacks=None if simulated is None else _attacks(name, simulated),
    )


def _attacks(name: str, simulated: Run) -> bool:
    """Whether a child of a simulated run attacked: its party file in the run says so."""
    file = simulated.folder / name / PARTY_FILE
    return file.exists() and spec.load(file, Party).simulated_attack is not None


def _privacy(asked: Privacy, result: RoundsResult, children: Sequence[Child]) -> dict[str, str]:
    told = [list(child.metrics.get(EPSILON, {}).values()) for child in children]
    others = [values[-1] for values in told if values]
    own = [] if result.epsilon is None else [result.epsilon]
    at_master = result.role == "master"
    return {
        "updates of a child": _secrecy(asked.secure_aggregation),
        "single samples": _sample_level(asked.sample_level, others if at_master else own),
        "whole children": _child_level(asked.child_level, own if at_master else []),
        "size of updates": _compression(asked.compression),
    }


def _secrecy(asked: SecureAggregation | None) -> str:
    if asked is None:
        return "The master saw the update of every child in every round."
    return (
        f"Secure aggregation: the master saw sums of at least {asked.least_children} updates, and "
        "none by itself."
    )


def _sample_level(asked: SampleLevel | None, spent: Sequence[float]) -> str:
    if asked is None:
        return "No noise hides them in an update."
    noise = f"Each child adds noise of {asked.noise:g} times what one of its samples can change"
    if not spent:
        return f"{noise}."
    most = " at most" if len(spent) > 1 else ""
    return f"{noise}: epsilon is{most} {max(spent):.3g}, for delta {asked.delta:g}."


def _child_level(asked: ChildLevel | None, spent: Sequence[float]) -> str:
    if asked is None:
        return "No noise hides them in the network."
    noise = f"The master adds noise of {asked.noise:g} times what one child can change"
    if spent:
        return f"{noise}: epsilon is {max(spent):.3g}, for delta {asked.delta:g}."
    if asked.epsilon is None:
        return f"{noise}."
    return f"{noise}: epsilon is at most {asked.epsilon:g}, for delta {asked.delta:g}."


def _compression(asked: TopK | EightBit | None) -> str:
    match asked:
        case TopK(share=share):
            return f"{share:.3g} of the numbers are sent, those furthest from zero."
        case EightBit():
            return "Numbers are sent with 8 bits each."
        case None:
            return "All numbers are sent as they are."


def _warnings(result: RoundsResult, children: Sequence[Child]) -> list[str]:
    without = [it.name for it in children if it.name not in result.holders]
    if not without:
        return []
    return [
        f"Not heard that they have the final network: {names(without)}. Ask them, or send it to "
        "them: it lies in this run, in the folder network."
    ]
