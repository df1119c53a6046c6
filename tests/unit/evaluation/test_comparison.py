"""One measure, of several models at several parties."""

from isthmus.evaluation.comparison import Comparison, compared, heading, in_words

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
