"""One measure, of several models at several parties."""

import pytest

from isthmus.evaluation.comparison import (
    LABELLED,
    Comparison,
    compared,
    heading,
    in_words,
    metrics_table,
)

NORTH = {"accuracy": {"shared": 0.9, "pooled": 0.95}, "probe": {"shared": 0.7}}
SOUTH = {"accuracy": {"shared": 0.8, "alone": 0.75}}


class TestCompared:
    def test_keeps_parties_beside_each_other(self) -> None:
        assert compared({"north": NORTH, "south": SOUTH}) == [
            Comparison(
                "accuracy",
                {
                    "shared": {"north": 0.9, "south": 0.8},
                    "pooled": {"north": 0.95},
                    "alone": {"south": 0.75},
                },
            ),
            Comparison("probe", {"shared": {"north": 0.7}}),
        ]

    def test_leaves_out_what_nobody_measured(self) -> None:
        assert compared({"north": {"accuracy": {}}, "south": {}}) == []

    def test_takes_a_name_as_it_is(self) -> None:
        (found,) = compared({"north": {"accuracy_shared": {"pooled": 0.8}}})
        assert found == Comparison("accuracy_shared", {"pooled": {"north": 0.8}})


class TestComparison:
    def test_names_every_party_that_has_one_of_the_models(self) -> None:
        models = {"shared": {"south": 0.8}, "alone": {"north": 0.75, "south": 0.7}}
        assert Comparison("accuracy", models).parties == ["north", "south"]


class TestNames:
    def test_of_a_model_differ_in_a_sentence_and_above_a_column(self) -> None:
        assert (in_words("alone"), heading("alone")) == ("with one trained alone", "alone")

    def test_of_a_model_that_has_none_for_people_is_its_own(self) -> None:
        assert (in_words("first_layer"), heading("first_layer")) == ("first layer", "first layer")


class TestMetricsTable:
    def test_has_a_line_per_measure_and_a_column_per_model(self) -> None:
        metrics = {"auc": {"joint": 0.66, "active_only": 0.61}, "ks": {"joint": 0.24}}
        headings, lines = metrics_table(metrics)
        assert headings == ("on the test rows", "joint #", "active party alone #")
        assert lines == [("AUC", "0.6600", "0.6100"), ("KS", "0.2400", "")]

    @pytest.mark.parametrize(
        ("model", "shown"),
        [
            ("pooled", "pooled #"),
            ("top_rows", "top rows #"),
            ("xgboost", "XGBoost #"),
            ("shared_head", "the network #"),
        ],
    )
    def test_calls_models_what_people_call_them(self, model: str, shown: str) -> None:
        assert metrics_table({"accuracy": {model: 0.5}})[0] == ("on the test rows", shown)

    def test_spells_abbreviations_in_capitals_and_words_as_words(self) -> None:
        one = {"model": 1.0}
        lines = metrics_table({"rmse": one, "r2": one, "top_accuracy": one})[1]
        assert [line[0] for line in lines] == ["RMSE", "R2", "top accuracy"]

    def test_of_nothing_is_empty(self) -> None:
        assert metrics_table({}) == (("on the test rows",), [])

    def test_says_what_rows_were_measured(self) -> None:
        assert metrics_table({}, rows=LABELLED)[0] == ("on the rows with a label",)

    def test_takes_headings_of_its_own(self) -> None:
        headings, _ = metrics_table({"auc": {"active_only": 0.5}}, {"active_only": "clinic alone"})
        assert headings == ("on the test rows", "clinic alone #")
