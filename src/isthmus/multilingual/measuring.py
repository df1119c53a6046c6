"""Measures an encoder on held-out documents and on other texts, beside what it has to beat."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from isthmus.core.telemetry import Telemetry
from isthmus.evaluation.description import LanguagePair, Metrics
from isthmus.multilingual.corpora.texts import Corpora, Texts
from isthmus.multilingual.retrieval.evaluation import METHODS, Compared, evaluate

LanguageNames = tuple[str, str]
"""Two languages, in the order of the alphabet."""


def measure(
    corpora: Corpora, compared: Compared, most: int, telemetry: Telemetry
) -> list[LanguagePair]:
    """Measure retrieval in all texts that nothing was trained on.

    Args:
        corpora: Of the run.
        compared: The encoder and its rivals.
        most: Rows of a corpus that are measured on at most.
        telemetry: Takes the progress.

    Returns:
        The figures of each pair of languages in each of the texts.
    """
    trained = trained_pairs(corpora.trained)
    sets = [
        *((name, texts, True) for name, texts in corpora.held_out.items()),
        *((name, texts, False) for name, texts in corpora.tests.items()),
    ]
    found = list[LanguagePair]()
    for done, (name, texts, in_domain) in enumerate(sets):
        telemetry.progress("measure", done, len(sets), note=name)
        found += evaluate(
            texts, compared, data=name, in_domain=in_domain, trained=trained, most=most
        )
    telemetry.progress("measure", len(sets), len(sets))
    return found


def trained_pairs(corpora: Mapping[str, Texts]) -> set[LanguageNames]:
    """Returns the pairs of languages that a corpus has rows in."""
    return {
        (left, right)
        for texts in corpora.values()
        for left, right in combinations(sorted(texts.languages), 2)
        if bool((texts.present(left) & texts.present(right)).any())
    }


def metrics(pairs: Sequence[LanguagePair]) -> Metrics:
    """Returns the mean share of texts that find their translation, in percent, by method."""
    means = dict[str, float]()
    for method in METHODS:
        found = [pair.methods[method].top1 for pair in pairs if method in pair.methods]
        if found:
            means[method] = sum(found) / len(found)
    return {"retrieval": means} if means else {}
