"""The end of a run of one organisation, for people."""

from collections.abc import Sequence

from rich.filesize import decimal

from isthmus.evaluation.comparison import TextTable, heading
from isthmus.evaluation.description import LanguagePair, Metrics, measured
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.result import Summary
from isthmus.jobs.summary import local_facts
from isthmus.store.runs import Run

_MENTIONED = 0.001
"""Share of the texts: less is nothing to act on."""

_ROWS = {"train": "trained on", "test": "scored"}


def summary(run: Run, result: LocalResult) -> Summary:
    """Returns the end of a run for people."""
    rows = ", ".join(f"{count:,} {_ROWS.get(name, name)}" for name, count in result.rows.items())
    facts = [("rows", rows), ("training", result.ending)]
    if not result.metrics and "metrics" not in result.missing:
        facts.append(("measured", "nothing: that takes test rows with two different labels"))
    facts += [*_counted(result), *_texts(result), *local_facts(run, result)]
    tables = [_queues(result)] if result.queues else []
    metrics = measured(result.metrics)
    if result.retrieval:
        tables.append(retrieval_table(metrics, result.retrieval.pairs))
        metrics = {}
    return Summary(metrics=metrics, tables=tables, facts=facts)


def retrieval_table(metrics: Metrics, pairs: Sequence[LanguagePair]) -> TextTable:
    """The share of texts that find their translation, a line for each set of texts.

    Args:
        metrics: The means over all pairs of languages, by model.
        pairs: Each pair of languages in each set.

    Returns:
        Headings and lines, in percent.
    """
    methods = list(metrics["retrieval"])
    lines = [("all", *(f"{value:.1f}" for value in metrics["retrieval"].values()))]
    sets = dict.fromkeys(pair.data for pair in pairs)
    for name in sets if len(sets) > 1 else ():
        among = [pair for pair in pairs if pair.data == name]
        lines.append((name, *(_mean(among, method) for method in methods)))
    return ("finds the translation, in %", *(f"{heading(name)} #" for name in methods)), lines


def _mean(pairs: Sequence[LanguagePair], method: str) -> str:
    found = [pair.methods[method].top1 for pair in pairs if method in pair.methods]
    return f"{sum(found) / len(found):.1f}" if found else ""


def _counted(result: LocalResult) -> list[tuple[str, str]]:
    """Lines about what a system counted, if it did."""
    facts = list[tuple[str, str]]()
    speed, memory = result.throughput, result.memory
    if speed and speed.samples_per_s is not None:
        facts.append(("samples/s", f"{speed.samples_per_s:,.0f}"))
    if speed and speed.tokens_per_s is not None:
        facts.append(("tokens/s", f"{speed.tokens_per_s:,.0f}"))
    if memory and memory.rows is not None:
        kept, gone = f"{memory.rows:,} rows", f"{memory.evicted or 0:,} evicted"
        facts.append(("tables", f"{kept}, {gone}, {decimal(memory.peak_bytes)} at most"))
    elif memory:
        facts.append(("memory", f"{decimal(memory.peak_bytes)} at most"))
    if result.exchanges is not None:
        passed = f", {decimal(result.traffic.bytes)}" if result.traffic else ""
        facts.append(("exchanges", f"{result.exchanges:,}{passed}"))
    if result.staleness:
        facts.append(("staleness", f"{result.staleness.greatest} windows at most"))
    return facts


def _texts(result: LocalResult) -> list[tuple[str, str]]:
    """Lines about an encoder of texts, if the run trained one."""
    facts = list[tuple[str, str]]()
    for name, rows in result.corpora.items():
        if rows.left_out:
            told = ", ".join(f"{count:,} {reason}" for reason, count in rows.left_out.items())
            facts.append((f"left out of {name}", told))
    if result.vocabulary:
        size, unknown = result.vocabulary.size, result.vocabulary.unknown
        lacks = f"it does not know {unknown:.2%} of those in the texts"
        facts.append(("vocabulary", f"{size:,} pieces; {lacks}"))
        if result.vocabulary.cut >= _MENTIONED:
            facts.append(("too long", f"{result.vocabulary.cut:.1%} of the texts, which are cut"))
    if result.converged:
        said = {True: "flat", False: "still falling", None: "no such task"}
        bilingual, monolingual = result.converged.bilingual, result.converged.monolingual
        facts.append(
            ("losses", f"bilingual {said[bilingual]}, monolingual {said[monolingual]}"),
        )
    return facts


def _queues(result: LocalResult) -> TextTable:
    lines = [
        (task, f"{queue.trained:,}", f"{queue.flushes:,}", f"{queue.waited:,}")
        for task, queue in result.queues.items()
    ]
    return ("queue of", "samples trained #", "batches #", "longest wait in samples #"), lines
