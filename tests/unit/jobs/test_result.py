"""What results say, and how their metrics become a table."""

import pytest

from isthmus.jobs import registry
from isthmus.jobs.result import AnyResult, metrics_table


class TestKinds:
    @pytest.mark.parametrize("family", [family.name for family in registry.FAMILIES])
    def test_name_the_family_and_differ(self, family: str) -> None:
        union = registry.load_family(family).RESULTS
        structs = getattr(union, "__args__", (union,))
        assert all(issubclass(struct, AnyResult) for struct in structs)
        tags = [str(struct.__struct_config__.tag) for struct in structs]
        assert all(tag.startswith(f"{family}.") for tag in tags)
        assert len(set(tags)) == len(tags)


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
            ("xgboost", "XGBoost, pooled #"),
            ("shared_head", "shared head #"),
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
