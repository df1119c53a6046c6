"""The report page of an encoder of texts in several languages."""

from collections.abc import Sequence

import msgspec

from isthmus.evaluation.comparison import heading, pairs_table
from isthmus.evaluation.description import LanguagePair
from isthmus.evaluation.pages import figures, language_figures, stream_figures
from isthmus.evaluation.pages.page import Page, count, fill, names

METHODS = ("fused", "encoder", "before", "dictionary_tfidf", "char_tfidf", "untrained")
"""Ways to find a translation that are compared with the same aids, as columns of a table."""

BARE = ("encoder_cosine", "encoder_centred")
"""The encoder without aids."""


class LossHistory(msgspec.Struct, frozen=True):
    """Losses over time; NaN where one is not known."""

    steps: list[int] = []
    by_task: dict[str, list[float]] = {}
    speed: list[float] = []  # pieces per second


class MultilingualReport(Page, frozen=True, kw_only=True):
    """The fields of the page. Empty fields and None are left out of it."""

    encoder: str  # what it is, in a few words
    languages: list[str]
    pairs: list[LanguagePair]
    train: int  # rows
    test: int
    ending: str
    converged: dict[str, bool | None]  # by kind of corpora
    tokens_per_s: float
    memory: int  # bytes at most
    pieces: int  # of the vocabulary
    unknown: dict[str, float]  # share of the pieces, by language
    cut: float  # share of the texts
    left_out: dict[str, dict[str, int]] = {}  # rows by corpus, then by reason
    history: LossHistory = LossHistory()


class Texts(msgspec.Struct, frozen=True):
    """Means over the language pairs of one set of texts."""

    name: str
    in_domain: bool
    trained: bool | None  # None: both pairs that were trained on and others
    rows: int
    pairs: int
    means: dict[str, float]  # by method
    mrr: float | None  # of the encoder
    layers: list[float]  # of the encoder after each layer, the first before any


def render(report: MultilingualReport) -> str:
    """Make the page.

    Args:
        report: The fields of the page.

    Returns:
        HTML that includes styles and figures.
    """
    found = sets(report.pairs)
    return fill(
        "multilingual_report.html.jinja",
        report,
        headline=headline(report),
        sets=found,
        means=_means(report.pairs, METHODS),
        methods=[name for name in METHODS if any(name in each.means for each in found)],
        bare=[name for name in BARE if any(name in each.means for each in found)],
        heading=heading,
        pairs_table=pairs_table(report.pairs),
        matrices=_matrices(report.pairs),
        training_figures=_training_figures(report),
    )


def headline(report: MultilingualReport) -> str:
    """Summarise the result of a run in one or two sentences.

    Args:
        report: The fields of the page.

    Returns:
        Plain text.
    """
    trained = f"{report.encoder[:1].upper()}{report.encoder[1:]}, {names(report.languages)}"
    means = _means(report.pairs, METHODS)
    if "encoder" not in means:
        return f"{trained}. Nothing is measured: no two languages have texts that are held out."
    sentence = f"{trained}: {means['encoder']:.1f}% of {count(report.test)} texts find their"
    sentence += " translation"
    if "fused" in means and "dictionary_tfidf" in means:
        return (
            f"{sentence}, with the dictionary {means['fused']:.1f}%; the dictionary alone has "
            f"{means['dictionary_tfidf']:.1f}%."
        )
    return f"{sentence}."


def sets(pairs: Sequence[LanguagePair]) -> list[Texts]:
    """Average over the language pairs of each set of texts, zero-shot pairs apart.

    Args:
        pairs: The figures of all pairs.

    Returns:
        Sets in the order of the job, each once or, if it has zero-shot pairs too, twice.
    """
    grouped = dict[tuple[str, bool], list[LanguagePair]]()
    for pair in pairs:
        grouped.setdefault((pair.data, pair.trained), []).append(pair)
    return [
        Texts(
            name=name,
            in_domain=group[0].in_domain,
            trained=trained,
            rows=max(pair.rows for pair in group),
            pairs=len(group),
            means=_means(group, (*METHODS, *BARE)),
            layers=_by_layer(group),
            mrr=_mean([each.methods["encoder"].mrr for each in group if "encoder" in each.methods]),
        )
        for (name, trained), group in grouped.items()
    ]


def _means(pairs: Sequence[LanguagePair], methods: Sequence[str]) -> dict[str, float]:
    found = {
        method: _mean([pair.methods[method].top1 for pair in pairs if method in pair.methods])
        for method in methods
    }
    return {method: mean for method, mean in found.items() if mean is not None}


def _by_layer(pairs: Sequence[LanguagePair]) -> list[float]:
    layers = [[found.top1 for found in pair.layers] for pair in pairs]
    return [sum(each) / len(each) for each in zip(*layers, strict=True)]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _matrices(pairs: Sequence[LanguagePair]) -> list[str]:
    drawn = list[str]()
    for name in dict.fromkeys(pair.data for pair in pairs):
        among = [pair for pair in pairs if pair.data == name]
        domain = "held out" if among[0].in_domain else "other texts"
        for method in ("fused", "encoder"):
            if values := _both_ways(among, method):
                title = f"{name} ({domain}): {heading(method)}"
                drawn.append(language_figures.matrix_figure(title, values))
    return drawn


def _both_ways(pairs: Sequence[LanguagePair], method: str) -> dict[tuple[str, str], float]:
    values = dict[tuple[str, str], float]()
    for pair in pairs:
        if found := pair.methods.get(method):
            values[pair.left, pair.right] = found.forth.top1
            values[pair.right, pair.left] = found.back.top1
    return values


def _training_figures(report: MultilingualReport) -> list[str]:
    history, drawn = report.history, list[str]()
    if history.steps:
        panels = {
            "loss": history.by_task,
            "pieces/s": {"pieces/s": history.speed},
        }
        drawn.append(stream_figures.stream_figure("Losses", history.steps, panels, "steps"))
    if report.stages:
        drawn.append(figures.timing_figure(report.stages))
    return drawn
