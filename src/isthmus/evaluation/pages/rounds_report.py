"""The report page of a run in rounds, in which children train and a master fuses updates."""

import msgspec

from isthmus.evaluation.comparison import MEANINGS, Comparison, compared, heading
from isthmus.evaluation.description import Metrics
from isthmus.evaluation.pages import figures, rounds_figures
from isthmus.evaluation.pages.merging import merged_learned, merged_sent
from isthmus.evaluation.pages.page import Page, count, fill, names, score


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A child as the master knows it; numbers are by round, from 1."""

    name: str
    samples: int | None = None  # training samples; None if it never trained
    rounds: list[int] = []  # rounds that it took part in
    weights: dict[int, float] = {}  # its weight in the fusion, if the rule has weights
    metrics: dict[str, dict[int, float]] = {}  # measures that it reported of its training, by name
    left_out: dict[int, str] = {}  # why it was left out of a round
    suspicion: list[str] = []  # why somebody should look at it, in clauses
    attacks: bool | None = None  # in a simulation, where it is known; None elsewhere


class RoundsReport(Page, frozen=True, kw_only=True):
    """The fields of the page. Empty fields are left out of it."""

    network: str  # type of the network
    rule: str  # fusion rule
    model: str  # SHA-256 of the parameters
    rounds: int  # at the master those of the job, at a child those that it took part in
    train: int  # samples of this party
    test: int
    metrics: Metrics = {}  # of this party
    children: list[Child] = []  # at the master
    simulated: Metrics = {}  # in a simulation: by way of training, or means over the parties
    by_party: dict[str, Metrics] = {}  # in a simulation
    privacy: dict[str, str] = {}  # sentence by topic


def render(report: RoundsReport) -> str:
    """Make the page.

    Args:
        report: The fields of the page.

    Returns:
        HTML that includes styles and figures.
    """
    by_training, by_party = _by_training(report), _by_party(report)
    return fill(
        "rounds_report.html.jinja",
        msgspec.structs.replace(
            report,
            learned=merged_learned(report.learned, report.party),
            sent=merged_sent(report.sent),
        ),
        headline=headline(report),
        measures=_measures(report),
        heading=heading,
        comparisons=by_party,
        comparison_figures=[
            *(_training_bars(report, *it) for it in by_training.items()),
            *(_party_figure(report, it) for it in by_party),
        ],
        meanings=_meanings(by_training),
        training_figures=_training_figures(report),
        suspects=[child for child in report.children if child.suspicion],
        left_out={child.name: left_out(child) for child in report.children},
    )


def headline(report: RoundsReport) -> str:
    """Summarise the result of a run in a few sentences.

    Args:
        report: The fields of the page.

    Returns:
        Plain text.
    """
    if report.children:
        return " ".join([_of_master(report), _measured(report), *_advice(report)])
    return f"{_of_child(report)} {_measured(report)}"


def left_out(child: Child) -> str:
    """Explain why a child was left out of rounds.

    Args:
        child: The child.

    Returns:
        Plain text, such as `rounds 3 to 7: late since round 3`; empty if it was in all rounds.
    """
    spans = list[tuple[int, int, str]]()
    for number, why in sorted(child.left_out.items()):
        if spans and spans[-1][1:] == (number - 1, why):
            spans[-1] = (spans[-1][0], number, why)
        else:
            spans.append((number, number, why))
    said = [
        f"round {first}: {why}" if first == last else f"rounds {first} to {last}: {why}"
        for first, last, why in spans[-_SPANS:]
    ]
    return "; ".join([f"{len(spans) - _SPANS} times before"] * (len(spans) > _SPANS) + said)


def _of_master(report: RoundsReport) -> str:
    trained, all_of_them = sum(bool(it.rounds) for it in report.children), len(report.children)
    who = count(trained) if trained == all_of_them else f"{count(trained)} of {count(all_of_them)}"
    children = "child" if all_of_them == 1 else "children"
    rounds = f"{count(report.rounds)} round{'' if report.rounds == 1 else 's'}"
    return f"{who} {children} trained one {report.network} network in {rounds}."


def _of_child(report: RoundsReport) -> str:
    if not report.rounds:
        return f"{report.party} took part in no round; it has the network that others trained."
    others = f"{count(len(report.peers))} other part{'y' if len(report.peers) == 1 else 'ies'}"
    return f"{report.party} and {others} made one {report.network} network."


def _measured(report: RoundsReport) -> str:
    place = f"on {count(report.test)} samples of {report.party}"
    for measure, models in report.metrics.items():
        if {"shared", "alone"} <= models.keys():
            return _gain(measure, models["shared"], models["alone"], place)
        if "shared_head" in models:
            return f"Its {measure} is {score(models['shared_head'])} {place}."
    return _at_others(report) or "Nothing is measured here: that takes labelled samples to test on."


def _at_others(report: RoundsReport) -> str:
    accuracies = [metrics.get("accuracy", {}) for metrics in report.by_party.values()]
    both = [models for models in accuracies if {"shared", "alone"} <= models.keys()]
    if not both:
        return ""
    raised = sum(models["shared"] > models["alone"] for models in both)
    return (
        f"It raises accuracy at {count(raised)} of {count(len(both))} parties, beside one trained "
        "alone."
    )


def _gain(measure: str, shared: float, alone: float, place: str) -> str:
    if shared <= alone:
        return (
            f"It did not help: {measure} is {score(shared)} with it and {score(alone)} with one "
            f"trained alone, {place}."
        )
    return (
        f"It raises {measure} to {score(shared)}, from {score(alone)} with one trained alone, "
        f"{place}."
    )


def _advice(report: RoundsReport) -> list[str]:
    found = [child for child in report.children if child.suspicion]
    if not found:
        return []
    if len(found) == 1:
        return [f"Look after {found[0].name}: {'; '.join(found[0].suspicion)}."]
    return [f"Look after {names([child.name for child in found])}."]


def _measures(report: RoundsReport) -> Metrics:
    """Returns the metrics of this party, and last those of the pooled model of a simulation."""
    found = {measure: dict(models) for measure, models in report.metrics.items() if models}
    in_simulation = report.by_party.get(report.party, {})
    for measure, models in found.items():
        pooled = in_simulation.get(measure, {}).get("pooled")
        if pooled is not None:
            models["pooled"] = pooled
    return found


def _by_training(report: RoundsReport) -> Metrics:
    """Returns the measures that compare the job's own rule with other ways of training."""
    return {
        measure: models for measure, models in report.simulated.items() if report.rule in models
    }


def _by_party(report: RoundsReport) -> list[Comparison]:
    """Returns the comparisons between parties, without those that other bars show already."""
    shown = _by_training(report).keys()
    return [
        it for it in compared(report.by_party) if len(it.parties) > 1 or it.measure not in shown
    ]


def _training_bars(report: RoundsReport, measure: str, values: dict[str, float]) -> str:
    title = f"{measure.capitalize()} by way of training"
    return rounds_figures.bars_figure(title, values, report.rule)


def _party_figure(report: RoundsReport, it: Comparison) -> str:
    title = f"{it.measure.capitalize()} at each party"
    of_network = it.models.get("shared_head", {})
    if len(it.models) == 1 and 0 < len(of_network) <= _BARS:
        return rounds_figures.bars_figure(title, of_network, report.party)
    return rounds_figures.dots_figure(title, it.models)


def _meanings(by_training: Metrics) -> dict[str, str]:
    """Returns explanations of the compared ways of training, by name."""
    found = {way for values in by_training.values() for way in values}
    return {way.replace("_", " "): why for way, why in MEANINGS.items() if way in found}


def _training_figures(report: RoundsReport) -> list[str]:
    drawn = list[str]()
    children = report.children
    weights = {it.name: it.weights for it in children if it.weights}
    if weights:
        suspects = {it.name for it in children if it.suspicion} & weights.keys()
        attackers = {it.name for it in children if it.attacks} & weights.keys()
        drawn.append(rounds_figures.weights_figure(report.rounds, weights, suspects, attackers))
    said = {name: [it.metrics[name] for it in children if it.metrics.get(name)] for name in _CURVES}
    known = {name: curves for name, curves in said.items() if curves}
    if known:
        drawn.append(rounds_figures.learning_figure(report.rounds, known))
    if report.stages:
        drawn.append(figures.timing_figure(report.stages))
    return drawn


_SPANS = 3  # most spans of rounds in an explanation
_BARS = 20  # with more names, dots instead of bars
_CURVES = ("loss", "accuracy")  # measures reported by children that are drawn
