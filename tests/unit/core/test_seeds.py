"""Random numbers that anyone with the job's seed can draw again."""

from isthmus.core.seeds import generator


class TestGenerator:
    def test_draws_the_same_numbers_for_the_same_purpose(self) -> None:
        draws = [generator(7, "split", "train").random(3).tolist() for _ in range(2)]
        assert draws[0] == draws[1]

    def test_draws_other_numbers_for_another_purpose_or_seed(self) -> None:
        generators = [generator(7), generator(8), generator(7, "a"), generator(7, "a", "b")]
        assert len({generator.random() for generator in generators}) == 4

    def test_does_not_confuse_where_one_purpose_ends(self) -> None:
        assert generator(7, "ab", "c").random() != generator(7, "a", "bc").random()
