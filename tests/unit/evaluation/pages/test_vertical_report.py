"""The page about a run over columns."""

import msgspec
import numpy as np
import pytest

from isthmus.core.seeds import generator
from isthmus.evaluation.classification import ks_curve, lift, roc
from isthmus.evaluation.description import Coefficient, Learned
from isthmus.evaluation.pages.convergence import Convergence
from isthmus.evaluation.pages.page import Sent
from isthmus.evaluation.pages.vertical_report import (
    Data,
    VerticalReport,
    headline,
    render,
)
from isthmus.evaluation.validating import validate, validate_amounts, validate_classes
from isthmus.evaluation.validation import Stability
from tests.unit.evaluation.pages.reading import Page

RANDOM = generator(7, "report")
LABEL = (RANDOM.random(1000) < 0.22).astype(np.int64)
JOINT = LABEL + RANDOM.normal(size=1000)
ALONE = LABEL + 2 * RANDOM.normal(size=1000)
SURE, UNSURE = 1 / (1 + np.exp(1 - JOINT)), 1 / (1 + np.exp(1 - ALONE))

PASSIVE = VerticalReport(
    job="credit-default",
    digest="5f2b" * 16,
    party="insurer",
    role="passive",
    peers=["clinic"],
    version="0.1.0",
    started=1_767_225_600.0,
    seconds=75.0,
    data=Data(columns=3, rows=30_000, shared=24_000, train=19_200, test=4_800),
    coefficients=[
        Coefficient("limit", -0.21, -1.6e-6),
        Coefficient("age", 0.05, 0.0054),
        Coefficient("late payments", 0.62, 0.55),
    ],
    convergence=Convergence(rounds=[1, 2, 3], gradient_norm=[0.3, 0.02, 4e-6]),
    stages={"align": 6.2, "encrypt": 31.0, "gradient": 35.0, "score": 2.1},
    learned=[
        Learned(
            "Residuals", "clinic → insurer", "nothing", "encrypted", 9, 41_000_000, tells=False
        ),
        Learned("PartialPredictor", "insurer → clinic", "a share of each score", "clear", 3, 9000),
    ],
    sent=[
        Sent(
            message="PartialPredictor",
            to="clinic",
            purpose="predict",
            count=3,
            bytes=9000,
            content="first_row int, values float64[3,000]",
            protection="clear",
            first=1_767_225_610.0,
            last=1_767_225_670.0,
        )
    ],
    verdict="3 records, chain unbroken, sealed, signature valid.",
)

ACTIVE = msgspec.structs.replace(
    PASSIVE,
    party="clinic",
    role="active",
    peers=["insurer"],
    intercept=-1.31,
    metrics={
        "auc": {"joint": 0.7373, "active_only": 0.6652, "pooled": 0.7373},
        "ks": {"joint": 0.3912, "active_only": 0.2911},
    },
    roc={"joint": roc(LABEL, JOINT), "clinic alone": roc(LABEL, ALONE)},
    ks=ks_curve(LABEL, JOINT),
    lift=lift(LABEL, JOINT),
    convergence=Convergence([1, 2, 3], [0.52, 0.48, 0.47], [0.3, 0.02, 4e-6]),
)


class TestRender:
    def test_the_active_party_sees_how_good_the_model_is(self) -> None:
        assert Page(render(ACTIVE)).headings == [
            "Results on the test rows",
            "Coefficients of clinic",
            "Training",
            "Who learned what",
            "Data",
        ]

    def test_the_passive_party_sees_everything_but_measures_of_labels(self) -> None:
        page = render(PASSIVE)
        assert "Results on the test rows" not in Page(page).headings
        assert "ROC" not in page

    def test_shows_standard_errors_and_odds_ratios_where_there_are_some(self) -> None:
        age = Coefficient("age", 0.05, 0.0054, error=0.0021, z=2.571, p=0.0101, ratio=1.0054)
        of_others = Coefficient("limit", -0.21, -1.6e-6, ratio=0.9999984)
        html = render(
            msgspec.structs.replace(
                ACTIVE,
                coefficients=[age, of_others],
                errors="Standard errors are those of the model of all columns.",
                ratio="odds ratio",
            )
        )
        for shown in ("0.0021", "+2.57", "0.01", "1.005", "odds ratio", "of all columns"):
            assert shown in html
        for heading in ("standard error", "odds ratio"):
            assert f">{heading}<" in html
            assert f">{heading}<" not in render(ACTIVE)

    def test_shows_a_validator_intervals_cuts_and_shifts(self) -> None:
        found = validate(LABEL.astype(np.float64), {"joint": SURE, "active_only": UNSURE})
        shifts = Stability(sampling_noise=0.01, score=0.02, columns={"age": 0.3})
        html = render(msgspec.structs.replace(ACTIVE, validation=found, stability=shifts))
        assert found is not None
        assert found.gain is not None
        assert {"Validation", "Training and test rows"} <= set(Page(html).headings)
        for shown in (found.gain.value, found.gain.low, found.gain.high):
            assert f"{shown:+.4f}" in html
        assert all(f"{cut.score:.4f}" in html for cut in found.cuts)
        assert "Calibration" in html
        assert "0.300" in html

    def test_shows_a_validator_each_class_against_the_others(self) -> None:
        scores = np.array([[0.7, 0.2, 0.6], [0.2, 0.7, 0.3], [0.1, 0.1, 0.1]])
        found = validate_classes(np.array([0.0, 1.0, 1.0]), scores)
        html = render(msgspec.structs.replace(ACTIVE, validation=found))
        assert "Accuracy 0.6667, log loss" in html
        assert "Rows by the class that they have" in html
        assert "No auc of class 2: no row has this class" in html

    def test_shows_a_validator_numbers_and_their_calibration(self) -> None:
        label = np.arange(20.0)
        found = validate_amounts(label, {"joint": label + 0.5, "active_only": label * 2})
        shifts = Stability(sampling_noise=0.01, columns={"age": 0.3}, missing="nobody knows")
        html = render(msgspec.structs.replace(ACTIVE, validation=found, stability=shifts))
        assert "mean prediction" in html
        assert "of them positive" not in html
        assert "There is none of the scores: nobody knows." in html

    def test_names_what_is_undefined_where_it_would_stand(self) -> None:
        found = validate(np.ones(5), {"joint": np.linspace(0, 1, 5)})
        undefined = {"auc": {"joint": None, "active_only": None}}
        html = render(msgspec.structs.replace(ACTIVE, metrics=undefined, validation=found))
        assert html.count("undefined") >= 3
        assert "an interval takes 2 rows of each class" in html

    def test_shows_numbers_with_their_units(self) -> None:
        page = render(ACTIVE)
        for shown in ("0.7373", "24,000", "41.0 MB", "9.0 kB", "1 min 15 s", "+0.6200"):
            assert shown in page
        assert "2026-01-01 00:00:00 UTC" in page

    def test_puts_the_strongest_coefficient_first(self) -> None:
        page = render(PASSIVE)
        assert page.index(">late payments<") < page.index(">limit<") < page.index(">age<")

    def test_marks_what_tells_something_and_folds_the_rest(self) -> None:
        section = render(PASSIVE).split("Who learned what</h2>")[1]
        shown, folded = section.split("<details>")
        assert "1 kind of messages told their" in shown
        assert ">PartialPredictor<" in shown
        assert "holds first_row int, values float64[3,000]" in shown
        assert ">Residuals<" not in shown
        assert ">Residuals<" in folded.split("</details>")[0]

    def test_says_how_training_ended(self) -> None:
        curve = Convergence([1, 2], [0.52, 0.48], [0.3, 4e-6], converged=True)
        ending = "converged after 2 rounds"
        page = render(msgspec.structs.replace(ACTIVE, convergence=curve, ending=ending))
        assert "Training converged after 2 rounds." in page
        assert "converged after" not in render(ACTIVE)

    def test_names_each_message_once(self) -> None:
        assert render(PASSIVE).count(">PartialPredictor<") == 1

    def test_puts_the_leak_of_labels_beside_the_quality(self) -> None:
        page = render(msgspec.structs.replace(ACTIVE, leakage={"cluster_auc": 0.71}))
        auc, leak, ks = (page.index(f"<dt>{name}</dt>") for name in ("AUC", "label leak", "KS"))
        assert auc < leak < ks
        assert "with an AUC of 0.7100 (0.5 is a coin toss, 1 knows every label)." in page

    def test_lists_its_sections_at_the_top(self) -> None:
        page = Page(render(ACTIVE))
        listed = [link for link in page.references if link.startswith("#part-")]
        assert listed == [f"#part-{number}" for number in range(1, len(page.headings) + 1)]
        assert set(listed) <= {f"#{name}" for name in page.identifiers}

    def test_has_no_box_to_scroll_in_and_folds_columns_beyond_a_screen(self) -> None:
        many = [Coefficient(f"column {number}", 1 / number, 1.0) for number in range(1, 31)]
        page = render(msgspec.structs.replace(PASSIVE, coefficients=many))
        shown, folded = page.split("10 more coefficients")
        assert ">column 20<" in shown
        assert ">column 21<" in folded
        assert "overflow: auto" not in page
        assert "scroll" not in page

    def test_has_other_colours_in_the_dark_and_figures_too(self) -> None:
        page = render(ACTIVE)
        assert "prefers-color-scheme: dark" in page
        assert "stroke: var(--blue, #0072b2)" in page

    def test_asks_the_network_for_nothing(self) -> None:
        page = render(ACTIVE)
        assert all(reference.startswith("#") for reference in Page(page).references)
        assert "<script" not in page
        assert "@import" not in page
        assert "default-src 'none'" in page

    def test_has_no_identifier_twice(self) -> None:
        identifiers = Page(render(ACTIVE)).identifiers
        assert len(set(identifiers)) == len(identifiers)

    def test_writes_names_of_others_as_text(self) -> None:
        hostile = "<script>alert(1)</script>"
        page = render(
            msgspec.structs.replace(
                ACTIVE,
                job=hostile,
                peers=[hostile],
                warnings=[hostile],
                coefficients=[Coefficient(hostile, 1.0, 1.0)],
                roc={hostile: roc(LABEL, JOINT)},
                stages={hostile: 1.0},
            )
        )
        assert "<script" not in page
        assert "&lt;script&gt;" in page

    def test_says_what_computed_the_encryption_where_engines_differ(self) -> None:
        told = "encryption computed by"
        assert f"{told} gmpy2" in render(msgspec.structs.replace(PASSIVE, engine="gmpy2"))
        assert told not in render(PASSIVE)

    def test_is_the_same_page_every_time(self) -> None:
        assert render(ACTIVE) == render(ACTIVE)

    def test_leaves_out_what_a_bare_run_does_not_have(self) -> None:
        bare = VerticalReport(
            job="credit-default",
            digest="5f2b",
            party="insurer",
            role="passive",
            peers=["clinic"],
            version="0.1.0",
            started=0.0,
            seconds=0.4,
            data=Data(columns=0, rows=0, shared=0, train=0, test=0),
        )
        assert Page(render(bare)).headings == ["Data"]


class TestHeadline:
    def test_says_what_the_other_side_added(self) -> None:
        assert headline(ACTIVE) == (
            "The columns of insurer raise AUC from 0.6652 to 0.7373. Pooling all columns on "
            "one machine would give 0.7373. Measured on 4,800 test rows."
        )

    @pytest.mark.parametrize(
        ("measure", "joint", "alone", "sentence"),
        [
            ("rmse", 4.25, 4.5, "lower RMSE from 4.500 to 4.250"),
            ("rmse", 4.5, 4.25, "did not help: RMSE is 4.500"),
            ("auc", 0.7, 0.71, "did not help: AUC is 0.7000 together and 0.7100"),
            ("auc", 0.7, None, "The joint model with insurer reaches AUC 0.7000."),
        ],
    )
    def test_is_honest_about_what_did_not_help(
        self, measure: str, joint: float, alone: float | None, sentence: str
    ) -> None:
        values = {"joint": joint} | ({} if alone is None else {"active_only": alone})
        assert sentence in headline(msgspec.structs.replace(ACTIVE, metrics={measure: values}))

    def test_says_what_others_have_to_beat_where_one_organisation_trained_alone(self) -> None:
        data = Data(columns=3, rows=24_000, shared=None, train=19_200, test=4_800)
        metrics = {"auc": {"model": 0.7, "xgboost": 0.71}}
        alone = msgspec.structs.replace(
            ACTIVE, party="", role="", peers=[], data=data, metrics=metrics, sent=[], verdict=""
        )
        assert headline(alone).startswith(
            "A model of 3 columns on 19,200 rows reaches AUC 0.7000, measured on 4,800 test rows."
        )
        page = render(alone)
        assert "XGBoost" in page
        assert "share" not in Page(page).headings
        assert "joint</th>" not in page

    def test_tells_a_party_without_labels_why_nothing_is_measured(self) -> None:
        assert headline(PASSIVE) == (
            "3 columns of insurer went into one model with clinic, on 19,200 shared rows. How good "
            "it is can be measured only where the labels are."
        )
