"""One measure, of several ways of training."""

from isthmus.evaluation.comparison import Comparison, by_way, compared


class TestByWay:
    def test_puts_the_ways_of_one_measure_together(self) -> None:
        metrics = {"accuracy_shared": 0.9, "probe_shared": 0.7, "accuracy_alone": 0.8}
        assert by_way(metrics) == {
            "accuracy": {"shared": 0.9, "alone": 0.8},
            "probe": {"shared": 0.7},
        }

    def test_takes_a_name_without_a_way_as_it_is(self) -> None:
        assert by_way({"accuracy": 0.9, "accuracy_at": 0.8, "pooled": 0.7}) == {
            "accuracy": {"": 0.9},
            "accuracy_at": {"": 0.8},
            "pooled": {"": 0.7},
        }


class TestCompared:
    def test_keeps_ways_of_parties_beside_each_other(self) -> None:
        shared, pooled = {"north": 0.9, "south": 0.8}, {"north": 0.95}
        assert compared({"accuracy_shared": shared, "accuracy_pooled": pooled}) == [
            Comparison("accuracy", {"shared": shared, "pooled": pooled})
        ]

    def test_leaves_out_what_nobody_measured(self) -> None:
        assert compared({"accuracy": {"fedavg": 0.8}, "accuracy_at": {}}) == [
            Comparison("accuracy", {"": {"fedavg": 0.8}})
        ]
