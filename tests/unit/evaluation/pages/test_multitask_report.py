"""The page about a model with several tasks."""

import math

import msgspec

from isthmus.evaluation.pages.multitask_report import (
    History,
    MultitaskReport,
    Queue,
    Server,
    headline,
    progress,
    render,
)

NONE = float("nan")
REPORT = MultitaskReport(
    job="ads",
    digest="5f2b" * 16,
    version="0.1.0",
    started=1_767_225_600.0,
    seconds=40.0,
    stages={"train": 20.0, "measure": 18.0},
    model="DeepFM with shared layers",
    tasks=["ctr", "cvr"],
    features=10,
    train=500_000,
    test=70_000,
    ending="580,000 samples in 130 windows",
    metrics={
        "auc_ctr": {"model": 0.82, "ideal": 0.86, "linear": 0.67, "boosted": 0.78},
        "auc_cvr": {"model": 0.7, "ideal": None, "linear": 0.67, "boosted": None},
        "logloss_ctr": {"model": 0.4, "ideal": 0.35, "linear": 0.48, "boosted": 0.43},
    },
    server=Server(
        samples_per_s=41_234.2,
        traffic=123_456_789,
        exchanges=130,
        staleness=1,
        memory=40_012_354,
        rows=12_294,
        evicted=135,
    ),
    queues=[Queue("ctr", 977, 500_000, 4_000), Queue("cvr", 208, 106_000, 30_000)],
    history=History(
        samples=[8_192, 16_384, 24_576],
        loss=[0.52, 0.5, 0.49],
        speed=[40_000.0, 41_000.0, 39_000.0],
        staleness=[0.0, 1.0, 1.0],
        rows=[5_000.0, 8_000.0, 9_000.0],
        evicted=[0.0, 0.0, 12.0],
        auc={"ctr": [0.6, 0.7, 0.75], "cvr": [NONE, 0.6, 0.62]},
        waiting={"ctr": [12.0, 500.0, 3.0], "cvr": [90.0, 10.0, 70.0]},
    ),
)


class TestHeadline:
    def test_says_how_well_each_task_is_ranked_and_beside_what(self) -> None:
        assert headline(REPORT) == (
            "DeepFM with shared layers on 500,000 rows reaches AUC 0.8200 for ctr and 0.7000 for "
            "cvr, measured on 70,000 test rows. For ctr it is above boosted trees with 0.7800."
        )

    def test_does_not_hide_that_a_simpler_model_is_better(self) -> None:
        metrics = {"auc_ctr": {"model": 0.7, "linear": 0.71, "boosted": 0.69}}
        worse = msgspec.structs.replace(REPORT, metrics=metrics)
        assert headline(worse).endswith("For ctr it is below a logistic regression with 0.7100.")

    def test_says_that_nothing_is_measured(self) -> None:
        assert "Nothing is measured" in headline(msgspec.structs.replace(REPORT, metrics={}))


class TestProgress:
    def test_is_the_share_of_the_way_from_the_better_simple_model_to_the_ideal(self) -> None:
        ctr, _ = progress(REPORT)
        assert ctr.name == "boosted trees"
        assert ctr.share is not None
        assert math.isclose(ctr.share, 0.5)

    def test_has_no_share_where_the_ideal_is_not_known(self) -> None:
        _, cvr = progress(REPORT)
        assert cvr.name == "a logistic regression"
        assert cvr.share is None


class TestRender:
    def test_shows_all_models_and_what_they_are(self) -> None:
        html = render(REPORT)
        for heading in ("known probabilities", "logistic regression", "boosted trees"):
            assert heading in html
        assert "the model goes 50% of the way from" in html
        assert "AUC ctr" in html

    def test_draws_the_numbers_of_the_events(self) -> None:
        html = render(REPORT)
        for title in (
            "Loss and AUC over time",
            "Rows of the table",
            "Speed and staleness",
            "Samples that wait",
        ):
            assert f"<title>{title}</title>" in html
        assert "AUC of cvr from 0.6 to 0.62" in html

    def test_leaves_out_what_is_not_known(self) -> None:
        bare = msgspec.structs.replace(
            REPORT, metrics={}, server=None, queues=[], history=History(), stages={}
        )
        html = render(bare)
        assert "<svg" not in html
        assert "Parameter server" not in html
        assert "Queues of the tasks" not in html

    def test_loads_nothing_from_the_network(self) -> None:
        assert "http" not in render(REPORT).replace("http://www.w3.org", "").replace(
            "http-equiv", ""
        )
