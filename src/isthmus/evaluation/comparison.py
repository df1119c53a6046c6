"""Comparison of metrics of several models or parties, and the models' names for people."""

from collections.abc import Mapping, Sequence

import msgspec

from isthmus.evaluation.description import LanguagePair, Metrics, PartialMetrics

MODELS = {
    "shared_head": "the network",
    "shared": "with the shared encoder",
    "alone": "with one trained alone",
    "pooled": "with one trained on all samples pooled",
}
"""Name of a model in sentences and legends."""

HEADINGS = {
    "active_only": "active party alone",
    "before": "before this run",
    "boosted": "boosted trees",
    "char_tfidf": "characters",
    "dictionary_tfidf": "dictionary",
    "encoder_centred": "less the mean",
    "encoder_cosine": "plain cosine",
    "fused": "all together",
    "ideal": "known probabilities",
    "linear": "logistic regression",
    "shared_head": "the network",
    "xgboost": "XGBoost",
}
"""Name of a model above a column, if it is not the plain name."""

MEANINGS = {
    "fedavg": "weights by sample count",
    "oracle": "weights by sample count, without the children that attack in the simulation",
    "root_only": "the master's own samples alone",
}
"""Explanation of other ways of training."""


LABELLED = "rows with a label"
"""What rows a job that scores measures: it has no test rows."""

TextTable = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Headings and lines; a heading that ends in `#` is a column of numbers."""


class Comparison(msgspec.Struct, frozen=True):
    """One measure at several parties."""

    measure: str
    models: dict[str, dict[str, float]]  # value by model, then by party

    @property
    def parties(self) -> list[str]:
        """Names of the parties that measured a model, sorted."""
        return sorted({party for values in self.models.values() for party in values})


def compared(by_party: Mapping[str, Metrics]) -> list[Comparison]:
    """Group the metrics of all parties by measure.

    Args:
        by_party: The metrics of each party.

    Returns:
        One comparison for each measure of any party, in the order of first occurrence.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for party, metrics in by_party.items():
        for measure, values in metrics.items():
            for model, value in values.items():
                found.setdefault(measure, {}).setdefault(model, {})[party] = value
    return [Comparison(measure, models) for measure, models in found.items()]


def metrics_table(
    metrics: PartialMetrics, names: Mapping[str, str] | None = None, rows: str = "test rows"
) -> TextTable:
    """Returns metrics as a table: one line per measure, one column per model.

    Args:
        metrics: Value by measure, then by model.
        names: Headings of models for which `heading` is not good enough.
        rows: What rows they were measured on.

    Returns:
        Headings, and the cells of each line; a cell is empty if a model has no such measure.
        Nothing that stands in a table is left out because it is undefined: it says so.
    """
    models = list(dict.fromkeys(model for values in metrics.values() for model in values))
    known = names or {}
    headings = (f"on the {rows}", *(f"{known.get(model, heading(model))} #" for model in models))
    lines = [
        (title(measure), *(_cell(values, model) for model in models))
        for measure, values in metrics.items()
    ]
    return headings, lines


def tables_by_party(by_party: Mapping[str, Metrics]) -> list[TextTable]:
    """Metrics of several parties as tables: one per measure, one line per party.

    Args:
        by_party: The metrics of each party.

    Returns:
        Headings and lines of each table; none for a measure that a single party has.
    """
    return [
        (
            (f"{title(found.measure)} at", *(f"{heading(model)} #" for model in found.models)),
            [
                (party, *(_number(values.get(party)) for values in found.models.values()))
                for party in found.parties
            ],
        )
        for found in compared(by_party)
        if len(found.parties) > 1
    ]


def pairs_table(pairs: Sequence[LanguagePair]) -> TextTable:
    """The share of texts that find their translation, a line for each pair of languages.

    Args:
        pairs: Each pair of languages, in each set of texts.

    Returns:
        Headings and lines, in percent.
    """
    methods = list(dict.fromkeys(name for pair in pairs for name in pair.methods))
    headings = ("of", "languages", "texts #", *(f"{heading(name)} #" for name in methods))
    lines = [
        (pair.data, languages(pair), f"{pair.rows:,}", *_top1(pair, methods)) for pair in pairs
    ]
    return headings, lines


def languages(pair: LanguagePair) -> str:
    """Returns the languages of a pair, and whether it is zero-shot, for people."""
    return f"{pair.left}-{pair.right}{'' if pair.trained else ', zero-shot'}"


def _top1(pair: LanguagePair, methods: Sequence[str]) -> list[str]:
    found = [pair.methods.get(name) for name in methods]
    return ["" if each is None else f"{each.top1:.1f}" for each in found]


def title(measure: str) -> str:
    """Returns the name of a measure for people."""
    words = _plain(measure).split(" ")
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)


def in_words(model: str) -> str:
    """Returns the name of a model for a sentence or a legend."""
    return MODELS.get(model, _plain(model))


def heading(model: str) -> str:
    """Returns the name of a model for the heading of a column."""
    return HEADINGS.get(model, _plain(model))


def _plain(model: str) -> str:
    return model.replace("_", " ")


def _cell(values: Mapping[str, float | None], model: str) -> str:
    value = values.get(model)
    return "undefined" if model in values and value is None else _number(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


_ABBREVIATIONS = frozenset({"auc", "ks", "rmse", "mae", "r2", "d2"})
