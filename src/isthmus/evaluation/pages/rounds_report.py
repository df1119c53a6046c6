"""The page about a run in rounds, in which children train one network and a master fuses it."""

import msgspec

from isthmus.evaluation.comparison import MEANINGS, Comparison, by_way, compared
from isthmus.evaluation.pages import figures, rounds_figures
from isthmus.evaluation.pages.merging import merged_learned, merged_sent
from isthmus.evaluation.pages.page import Page, count, fill, names, score


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """What the master knows of a child; numbers are by round, from 1."""

    name: str
    samples: int | None = None  # that it trained on; none where it never did
    rounds: list[int] = []  # that it took part in
    weights: dict[int, float] = {}  # what it counted for, where the rule gives weights
    metrics: dict[str, dict[int, float]] = {}  # what it said of its training, by name
    left_out: dict[int, str] = {}  # why
    suspicion: list[str] = []  # why to look after it, in clauses


class RoundsReport(Page, frozen=True, kw_only=True):
    """All that the page shows; what is empty is left out of it."""

    network: str  # its type
    rule: str  # of fusion
    model: str  # SHA-256 of its parameters
    rounds: int  # of the job at the master, of its own at a child
    train: int  # samples of this party
    test: int
    metrics: dict[str, float] = {}
    children: list[Child] = []  # at the master
    comparison: dict[str, dict[str, float]] = {}  # by measure, then by party or way of training
    privacy: dict[str, str] = {}  # by what it is about


def render(report: RoundsReport) -> str:
    """Make the page.

    Args:
        report: What it shows.

    Returns:
        HTML with its styles and figures in it.
    """
    comparisons = compared(report.comparison)
    return fill(
        "rounds_report.html.jinja",
        msgspec.structs.replace(
            report,
            learned=merged_learned(report.learned, report.party),
            sent=merged_sent(report.sent),
        ),
        headline=headline(report),
        measures=_measures(report),
        comparisons=comparisons,
        comparison_figures=[_comparison_figure(report, it) for it in comparisons],
        meanings=_meanings(comparisons),
        training_figures=_training_figures(report),
        suspects=[child for child in report.children if child.suspicion],
        left_out={child.name: left_out(child) for child in report.children},
    )


def headline(report: RoundsReport) -> str:
    """The result of a run in a few sentences.

    Args:
        report: All that is known.

    Returns:
        Plain text.
    """
    if report.children:
        return " ".join([_of_master(report), _measured(report), *_advice(report)])
    return f"{_of_child(report)} {_measured(report)}"


def left_out(child: Child) -> str:
    """Why a child was not in some rounds.

    Args:
        child: What is known of it.

    Returns:
        Plain text, such as `rounds 3 to 7: late since round 3`; nothing where it was in all.
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
    for stem, ways in by_way(report.metrics).items():
        if {"shared", "alone"} <= ways.keys():
            return _gain(stem, ways["shared"], ways["alone"], place)
        if "" in ways:
            return f"Its {stem} is {score(ways[''])} {place}."
    return _at_others(report) or "Nothing is measured here: that takes labelled samples to test on."


def _at_others(report: RoundsReport) -> str:
    shared, alone = (report.comparison.get(f"accuracy_{way}", {}) for way in ("shared", "alone"))
    both = shared.keys() & alone.keys()
    if not both:
        return ""
    raised = sum(shared[party] > alone[party] for party in both)
    return (
        f"It raises accuracy at {count(raised)} of {count(len(both))} parties, beside one trained "
        "alone."
    )


def _gain(stem: str, shared: float, alone: float, place: str) -> str:
    if shared <= alone:
        return (
            f"It did not help: {stem} is {score(shared)} with it and {score(alone)} with one "
            f"trained alone, {place}."
        )
    return (
        f"It raises {stem} to {score(shared)}, from {score(alone)} with one trained alone, {place}."
    )


def _advice(report: RoundsReport) -> list[str]:
    found = [child for child in report.children if child.suspicion]
    if not found:
        return []
    if len(found) == 1:
        return [f"Look after {found[0].name}: {'; '.join(found[0].suspicion)}."]
    return [f"Look after {names([child.name for child in found])}."]


def _measures(report: RoundsReport) -> dict[str, dict[str, float]]:
    """By measure, then by way of training; what a simulation alone knows comes last."""
    found = by_way(report.metrics)
    for stem, ways in found.items():
        pooled = report.comparison.get(f"{stem}_pooled", {}).get(report.party)
        if pooled is not None:
            ways["pooled"] = pooled
    return found


def _comparison_figure(report: RoundsReport, it: Comparison) -> str:
    measure = it.measure.removesuffix("_at").capitalize()
    values = it.ways.get("", {})
    if report.rule in values:
        return rounds_figures.bars_figure(f"{measure} by way of training", values, report.rule)
    title = f"{measure} at each party"
    if len(it.ways) == 1 and 0 < len(values) <= _BARS:
        return rounds_figures.bars_figure(title, values, report.party)
    return rounds_figures.dots_figure(title, it.ways)


def _meanings(comparisons: list[Comparison]) -> dict[str, str]:
    """Of names of ways of training that are compared."""
    found = {name for it in comparisons for values in it.ways.values() for name in values}
    return {name.replace("_", " "): why for name, why in MEANINGS.items() if name in found}


def _training_figures(report: RoundsReport) -> list[str]:
    drawn = list[str]()
    children = report.children
    weights = {it.name: it.weights for it in children if it.weights}
    if weights:
        suspects = {it.name for it in children if it.suspicion} & weights.keys()
        drawn.append(rounds_figures.weights_figure(report.rounds, weights, suspects))
    said = {name: [it.metrics[name] for it in children if it.metrics.get(name)] for name in _CURVES}
    known = {name: curves for name, curves in said.items() if curves}
    if known:
        drawn.append(rounds_figures.learning_figure(report.rounds, known))
    if report.stages:
        drawn.append(figures.timing_figure(report.stages))
    return drawn


_SPANS = 3  # of rounds that a child was left out of
_BARS = 20  # with more names, each is a dot
_CURVES = ("loss", "accuracy")  # of what children say of their training
