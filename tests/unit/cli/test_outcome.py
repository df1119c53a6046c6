import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from isthmus.cli import outcome
from isthmus.evaluation.description import Found, LanguagePair, Metrics, Retrieved
from isthmus.jobs.aligned.results import (
    Alignment,
    AlignmentResult,
    ScoredResult,
    SimulatedAlignment,
    SimulatedTraining,
    TrainedResult,
)
from isthmus.jobs.local.results import LocalResult
from isthmus.jobs.result import AnyResult, Egress
from isthmus.outcomes import (
    Converged,
    CorpusRows,
    Memory,
    QueueCounts,
    Retrieval,
    Staleness,
    Throughput,
    Traffic,
    Vocabulary,
)
from isthmus.store.encoding import to_json
from isthmus.store.runs import Run
from isthmus.tee.evidence import SIMULATION


def simulated(metrics: Metrics, ending: str = "converged") -> SimulatedTraining:
    return SimulatedTraining(
        job="doctor-visits",
        digest="ab",
        version="1",
        parties={"clinic": "active", "insurer": "passive"},
        alignment=Alignment("cryptographic", protects=True, size=1_500, reused=False),
        system="regression",
        rows={"own": 2_000, "train": 1_200, "test": 300},
        metrics=metrics,
        seconds={"simulation": 12.34},
        egress={"clinic": Egress(3, 2_500_000), "insurer": Egress(2, 999)},
        rounds=6,
        converged=True,
        ending=ending,
        reports={"clinic": "runs/clinic/report.html", "insurer": "runs/insurer/report.html"},
    )


def passive() -> TrainedResult:
    return TrainedResult(
        job="doctor-visits",
        digest="ab",
        system="regression",
        version="1",
        party="insurer",
        role="passive",
        peers=["clinic"],
        started="2026-01-01T00:00:00+00:00",
        alignment=Alignment("cryptographic", protects=True, size=1_500, reused=False),
        rows={"own": 2_000, "train": 1_200, "test": 300},
        columns=4,
        metrics={},
        seconds={"total": 12.34},
        egress=Egress(2, 999),
        rounds=6,
        converged=True,
        ending="converged after 6 rounds",
        curve=[],
        learned=[],
    )


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> "Shown":
    return Shown(capsys, Run(tmp_path))


class Shown:
    """What a reader sees of a run that ended, word by word."""

    def __init__(self, capsys: pytest.CaptureFixture[str], run: Run) -> None:
        self._capsys = capsys
        self.run = run

    def lines(self, result: AnyResult) -> list[str]:
        self.run.write_json(self.run.result.name, result)
        outcome.of(self.run)
        return [" ".join(line.split()) for line in self._capsys.readouterr().err.splitlines()]


class TestSimulation:
    def test_compares_the_models(self, shown: Shown) -> None:
        auc = {"joint": 0.66, "active_only": 0.61, "pooled": 0.66001}
        lines = shown.lines(simulated({"auc": auc, "ks": {"joint": 0.24}}))
        assert "on the test rows joint active party alone pooled" in lines
        assert "AUC 0.6600 0.6100 0.6600" in lines
        assert "KS 0.2400" in lines

    def test_knows_any_measure(self, shown: Shown) -> None:
        metrics = {"rmse": {"joint": 1.5, "pooled": 1.4}, "r2": {"joint": 0.4}}
        lines = shown.lines(simulated(metrics))
        assert "on the test rows joint pooled" in lines
        assert "RMSE 1.5000 1.4000" in lines

    def test_says_what_it_took(self, shown: Shown) -> None:
        lines = shown.lines(simulated({"auc": {"joint": 0.66}}))
        assert "rows shared 1,500: 1,200 trained on, 300 scored" in lines
        assert "training converged" in lines
        assert "seconds 12.3" in lines
        assert "clinic sent 2.5 MB" in lines
        assert "insurer's report runs/insurer/report.html" in lines

    def test_says_right_below_the_measures_how_well_labels_can_be_guessed(
        self, shown: Shown
    ) -> None:
        found = replace(simulated({"auc": {"joint": 0.7}}), leakage={"cluster_auc": 0.645})
        lines = shown.lines(found)
        told = lines[lines.index("AUC 0.7000") + 1 :]
        assert next(line for line in told if line).startswith(
            "label leak Another party can guess labels from which rows are together in a node, "
            "with an AUC of 0.6450 (0.5 is a coin toss, 1 knows every label)."
        )

    def test_says_when_it_did_not_converge(self, shown: Shown) -> None:
        result = simulated({"auc": {"joint": 0.66}}, ending="stopped after 6 rounds")
        assert "training stopped after 6 rounds" in shown.lines(result)


class TestParty:
    def test_without_labels_has_no_measures_but_a_report(self, shown: Shown) -> None:
        shown.run.report.touch()
        lines = shown.lines(passive())
        assert lines[0].startswith("rows shared")
        assert "sent 999 bytes" in lines
        assert f"report {shown.run.report}" in lines


ATTESTED = Alignment("attested", protects=False, size=1_500, reused=False, notice=SIMULATION)
UNTOLD = Alignment("attested", protects=True, size=None, reused=True)


class TestAlignment:
    def test_says_what_this_party_is_told_and_where_it_is(self, shown: Shown) -> None:
        result = AlignmentResult(
            job="who",
            digest="ab",
            version="1",
            party="shop",
            role="passive",
            peers=["clinic"],
            started="2026-01-01T00:00:00+00:00",
            alignment=UNTOLD,
            rows={"own": 2_000},
            seconds={"total": 12.34},
            egress=Egress(2, 999),
            learned=[],
        )
        assert shown.lines(result) == [
            "rows shared not told to this party",
            "alignment attested, found by an earlier run",
            "seconds 12.3",
            "sent 999 bytes",
            f"run {shown.run.folder}",
        ]

    def test_of_a_simulation_says_that_nothing_is_protected(self, shown: Shown) -> None:
        result = SimulatedAlignment(
            job="who",
            digest="ab",
            version="1",
            parties={"clinic": "active", "shop": "passive"},
            alignment=ATTESTED,
            seconds={"simulation": 12.34},
            egress={"clinic": Egress(3, 2_500_000), "shop": Egress(2, 999)},
        )
        lines = shown.lines(result)
        assert lines[:2] == ["rows shared 1,500", "alignment attested, found in this run"]
        assert f"notice {SIMULATION}" in lines
        assert "shop sent 999 bytes" in lines


class TestScoring:
    @pytest.mark.parametrize(
        ("labelled", "told"),
        [
            (15_588, "15,588, all with a label"),
            (1_000, "15,588, 1,000 of them with a label that is known here"),
            (0, "15,588, none with a label that is known here"),
        ],
    )
    def test_says_what_rows_were_scored_and_measured(
        self, shown: Shown, labelled: int, told: str
    ) -> None:
        result = ScoredResult(
            job="score",
            digest="ab",
            version="1",
            party="clinic",
            role="active",
            peers=["insurer"],
            started="2026-01-01T00:00:00+00:00",
            seconds={"total": 12.34},
            rows={"own": 20_000, "scored": 15_588, "labelled": labelled},
            alignment=Alignment("cryptographic", protects=True, size=15_588, reused=False),
            model="cd" * 32,
            system="regression",
            columns=2,
            metrics={"auc": {"joint": 0.61}},
            egress=Egress(2, 999),
            learned=[],
        )
        lines = shown.lines(result)
        assert "on the rows with a label joint" in lines
        assert f"rows scored {told}" in lines


class TestAlone:
    def test_says_what_one_organisation_reaches_by_itself(self, shown: Shown) -> None:
        result = LocalResult(
            job="alone",
            digest="ab",
            version="1",
            system="baseline",
            started="2026-01-01T00:00:00+00:00",
            rows={"train": 1_200, "test": 300},
            columns=2,
            metrics={"auc": {"model": 0.61}},
            seconds={"total": 12.34},
            ending="one fit",
        )
        lines = shown.lines(result)
        assert "on the test rows model" in lines
        assert "AUC 0.6100" in lines
        assert lines[-5:] == [
            "rows 1,200 trained on, 300 scored",
            "training one fit",
            "seconds 12.3",
            f"run {shown.run.folder}",
            f"no report run `isthmus report {shown.run.folder}`",
        ]


def multitask() -> LocalResult:
    return LocalResult(
        job="ads",
        digest="ab",
        version="1",
        system="multitask",
        started="2026-01-01T00:00:00+00:00",
        rows={"train": 1_200, "test": 300},
        columns=2,
        metrics={"auc_ctr": {"model": 0.71, "ideal": 0.75, "boosted": None}},
        seconds={"start": 1.0, "train": 10.0, "total": 12.34},
        ending="one pass",
        throughput=Throughput(54_321.9),
        traffic=Traffic(2_500_000),
        memory=Memory(peak_bytes=9_000_000, rows=12_345, evicted=67),
        staleness=Staleness(1),
        exchanges=8,
        queues={"ctr": QueueCounts(flushes=7, waited=4_000, trained=1_100)},
    )


class TestMultitask:
    def test_says_what_the_tiers_and_queues_did(self, shown: Shown) -> None:
        lines = shown.lines(multitask())
        assert "on the test rows model known probabilities" in lines
        assert "AUC ctr 0.7100 0.7500" in lines
        assert "queue of samples trained batches longest wait in samples" in lines
        assert "ctr 1,100 7 4,000" in lines
        assert "samples/s 54,322" in lines
        assert "tables 12,345 rows, 67 evicted, 9.0 MB at most" in lines
        assert "exchanges 8, 2.5 MB" in lines
        assert "staleness 1 windows at most" in lines

    def test_answers_null_for_a_model_that_was_not_there(self, shown: Shown) -> None:
        shown.run.write_json(shown.run.result.name, multitask())
        answer = json.loads(to_json(outcome.of(shown.run).value))
        assert answer["metrics"]["auc_ctr"] == {"model": 0.71, "ideal": 0.75, "boosted": None}
        assert answer["throughput"] == {"samples_per_s": 54_321.9}
        assert answer["memory"] == {"peak_bytes": 9_000_000, "rows": 12_345, "evicted": 67}
        assert answer["queues"]["ctr"] == {"flushes": 7, "waited": 4_000, "trained": 1_100}
        assert (answer["exchanges"], answer["staleness"]) == (8, {"greatest": 1})

    def test_leaves_out_what_a_system_does_not_count(self, shown: Shown) -> None:
        shown.run.write_json(
            shown.run.result.name, replace(multitask(), queues={}, memory=None, exchanges=None)
        )
        answer = json.loads(to_json(outcome.of(shown.run).value))
        assert not {"queues", "memory", "exchanges"} & answer.keys()


def multilingual() -> LocalResult:
    values = {"encoder": (71.25, 80.0), "fused": (81.0, 90.0)}
    methods = {name: Retrieved(*each, Found(*each), Found(*each)) for name, each in values.items()}
    pairs = [
        LanguagePair(
            data=data,
            left="de",
            right="en",
            rows=100,
            in_domain=data == "bible",
            trained=True,
            methods=methods,
        )
        for data in ("bible", "news")
    ]
    return replace(
        multitask(),
        system="multilingual",
        metrics={"retrieval": {"encoder": 71.25, "fused": 81.0}},
        throughput=Throughput(tokens_per_s=54_321.9),
        memory=Memory(peak_bytes=9_000_000),
        queues={},
        exchanges=None,
        staleness=None,
        traffic=None,
        retrieval=Retrieval(pairs),
        converged=Converged(bilingual=True, monolingual=None),
        vocabulary=Vocabulary(8_192, 0.001, {"de": 0.001}, 0.25),
        corpora={
            "bible": CorpusRows(
                read=120, trained=90, held_out=10, empty=0, duplicates=5, found_in_tests=15
            ),
            "news": CorpusRows(
                read=10, trained=10, held_out=0, empty=0, duplicates=0, found_in_tests=0
            ),
        },
    )


class TestMultilingual:
    def test_says_how_texts_find_their_translations(self, shown: Shown) -> None:
        lines = shown.lines(multilingual())
        assert "finds the translation, in % encoder all together" in lines
        assert "all 71.2 81.0" in lines
        assert "news 71.2 81.0" in lines
        assert "tokens/s 54,322" in lines
        assert "memory 9.0 MB at most" in lines
        assert "vocabulary 8,192 pieces; it does not know 0.10% of those in the texts" in lines
        assert "too long 25.0% of the texts, which are cut" in lines

    def test_says_which_rows_were_left_out_and_why(self, shown: Shown) -> None:
        lines = shown.lines(multilingual())
        told = "left out of bible 5 that were there before, 15 with a text that is measured on"
        assert told in lines
        assert not any("left out of news" in line for line in lines)

    def test_says_whether_losses_are_flat(self, shown: Shown) -> None:
        lines = shown.lines(multilingual())
        assert "losses bilingual flat, monolingual no such task" in lines

    def test_answers_null_for_tasks_that_are_off(self, shown: Shown) -> None:
        shown.run.write_json(shown.run.result.name, multilingual())
        answer = json.loads(to_json(outcome.of(shown.run).value))
        assert answer["converged"] == {"bilingual": True, "monolingual": None}
        assert answer["throughput"] == {"tokens_per_s": 54_321.9}
        assert answer["memory"] == {"peak_bytes": 9_000_000}
        assert answer["vocabulary"]["size"] == 8_192
        assert answer["retrieval"]["pairs"][1]["methods"]["encoder"]["top1"] == 71.25


class TestAnswer:
    def test_is_the_result_and_where_the_run_left_what(self, shown: Shown) -> None:
        shown.run.index.touch()
        shown.run.write_json(shown.run.result.name, passive())
        answer = json.loads(to_json(outcome.of(shown.run).value))
        written = json.loads(shown.run.result.read_bytes())
        places = {"run": str(shown.run.folder), "index": str(shown.run.index)}
        assert answer == written | places
        assert answer["kind"] == "aligned.trained"
