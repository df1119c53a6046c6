"""The end of a run over aligned columns, for people."""

from isthmus.evaluation import leaks
from isthmus.evaluation.comparison import LABELLED
from isthmus.jobs.aligned import search_summary
from isthmus.jobs.aligned.results import (
    AlignedResult,
    AlignedRun,
    AlignmentResult,
    ScoredResult,
    SearchedResult,
    SimulatedAlignment,
    SimulatedScoring,
    SimulatedTraining,
    TrainedResult,
    requests_for_rows,
)
from isthmus.jobs.result import Summary
from isthmus.jobs.summary import parties_facts, party_facts
from isthmus.store.runs import Run


def summary(run: Run, result: AlignedResult) -> Summary:
    """Returns the end of a run for people."""
    if isinstance(result, SearchedResult):
        return search_summary.summary(run, result)
    return _summary(run, result)


def _summary(run: Run, result: AlignedRun) -> Summary:
    match result:
        case TrainedResult():
            facts = [
                *_leak(result),
                *_rows(result),
                *_method(result),
                ("training", result.ending),
                *((f"told {each.peer} so far", each.words) for each in result.exposure),
            ]
            return Summary(metrics=result.metrics, facts=[*facts, *party_facts(run, result)])
        case SimulatedTraining():
            facts = [
                *_leak(result),
                *_rows(result),
                *_method(result),
                ("training", result.ending),
            ]
            return Summary(
                metrics=result.metrics, facts=[*facts, *parties_facts(result, result.reports)]
            )
        case ScoredResult():
            facts = [*_scored(result), *_method(result), *party_facts(run, result)]
            return Summary(metrics=result.metrics, measured_on=LABELLED, facts=facts)
        case SimulatedScoring():
            told = parties_facts(result, result.reports)
            facts = [*_scored(result), *_method(result), *told]
            return Summary(metrics=result.metrics, measured_on=LABELLED, facts=facts)
        case AlignmentResult():
            return Summary(facts=[*_size(result), *_method(result), *party_facts(run, result)])
        case SimulatedAlignment():
            return Summary(
                facts=[
                    *_size(result),
                    *_method(result),
                    *parties_facts(result),
                    ("run", str(run.folder)),
                ]
            )


def _leak(result: TrainedResult | SimulatedTraining) -> list[tuple[str, str]]:
    """How well another party can guess the labels, right below how good the model is."""
    return [("label leak", leaks.sentence(result.leakage))] if result.leakage else []


def _rows(result: TrainedResult | SimulatedTraining) -> list[tuple[str, str]]:
    size, rows = result.alignment.size or 0, result.rows
    told = f"{size:,}: {rows['train']:,} trained on, {rows['test']:,} scored"
    return [("rows shared", told), *_found(result)]


def _scored(result: ScoredResult | SimulatedScoring) -> list[tuple[str, str]]:
    scored, known = result.rows["scored"], result.rows["labelled"]
    model = f"{result.system} of the run {result.model[:12]}"
    if isinstance(result, ScoredResult) and result.requests is not None:
        count = requests_for_rows(result.requests)
        return [("model", model), ("rows scored", f"{scored:,}, in {count:,} requests")]
    if not known:
        labels = "none with a label that is known here"
    elif known == scored:
        labels = "all with a label"
    else:
        labels = f"{known:,} of them with a label that is known here"
    trained = result.rows.get("trained", 0)
    seen = f"; {trained:,} of these were trained on" if trained else ""
    return [("model", model), ("rows scored", f"{scored:,}, {labels}{seen}")]


def _size(result: AlignmentResult | SimulatedAlignment) -> list[tuple[str, str]]:
    size = result.alignment.size
    told = "not told to this party" if size is None else f"{size:,}"
    return [("rows shared", told), *_found(result)]


def _found(result: AlignedRun) -> list[tuple[str, str]]:
    shares = ", ".join(
        f"{share:.1%} of {party}'s" for party, share in result.alignment.found.items()
    )
    told = [("rows found", shares)] if shares else []
    return [*told, *(("warning", warning) for warning in result.alignment.warnings)]


def _method(result: AlignedRun) -> list[tuple[str, str]]:
    alignment = result.alignment
    found = "found by an earlier run" if alignment.reused else "found in this run"
    lines = [("alignment", f"{alignment.method}, {found}")]
    return [*lines, ("notice", alignment.notice)] if alignment.notice else lines
