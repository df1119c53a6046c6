"""Figures of a training in rounds, with few children and with many."""

from isthmus.evaluation.pages.rounds_figures import (
    bars_figure,
    dots_figure,
    learning_figure,
    weights_figure,
)
from tests.unit.evaluation.pages.reading import SVG, parse, said, texts


def weights(children: int, rounds: int = 6) -> dict[str, dict[int, float]]:
    """Child 0 counts for less and less."""
    shares = {number: {0: 1 / number} for number in range(1, rounds + 1)}
    return {
        f"child-{child:03d}": {
            number: shares[number].get(child, 1.0) / children for number in shares
        }
        for child in range(children)
    }


def accuracies(parties: int) -> dict[str, float]:
    return {f"party-{number:03d}": 0.5 + number / (2 * parties) for number in range(parties)}


class TestWeights:
    def test_names_every_child_where_they_are_few(self) -> None:
        assert {"child-000", "child-001", "child-002"} <= set(texts(weights_figure(6, weights(3))))

    def test_names_who_counts_for_most_and_least_where_nobody_is_suspected(self) -> None:
        heavy = weights(12) | {"giant": dict.fromkeys(range(1, 7), 0.9)}
        shown = texts(weights_figure(6, heavy))
        assert {"giant", "child-000", "11 others"} <= set(shown)

    def test_names_the_children_to_look_after(self) -> None:
        shown = texts(weights_figure(6, weights(12), {"child-000", "child-004"}))
        assert {"child-000", "child-004", "10 others"} <= set(shown)

    def test_counts_them_where_they_are_many(self) -> None:
        many = weights(100)
        shown = texts(weights_figure(6, many, sorted(many)[:30]))
        assert {"30 that stand out", "70 others", "the middle half of them"} <= set(shown)

    def test_draws_as_attackers_only_those_that_a_simulation_knows_to_be(self) -> None:
        alone = weights_figure(6, weights(12), {"child-000", "child-004"})
        known = weights_figure(6, weights(12), {"child-000", "child-004"}, {"child-000"})
        assert (alone.count("--orange"), alone.count("--purple") > 0) == (0, True)
        assert (known.count("--orange") > 0, known.count("--purple") > 0) == (True, True)

    def test_has_no_colour_of_an_attacker_where_nobody_stands_out(self) -> None:
        assert "--orange" not in weights_figure(6, weights(3))

    def test_is_not_much_larger_with_many_children_and_rounds(self) -> None:
        svg = weights_figure(2_000, weights(100, rounds=2_000), {"child-000"})
        assert len(svg) < 100_000

    def test_shows_a_round_between_two_that_a_child_was_not_in(self) -> None:
        gaps = {"a": {1: 0.5, 3: 0.5}, "b": {1: 0.5, 2: 1.0, 3: 0.5}}
        whole = {"a": {1: 0.5, 2: 0.5, 3: 0.5}, "b": {1: 0.5, 2: 1.0, 3: 0.5}}
        dots = [len(list(parse(weights_figure(3, it)).iter(f"{SVG}use"))) for it in (gaps, whole)]
        assert dots[0] == dots[1] + 2

    def test_says_in_words_how_far_apart_children_are(self) -> None:
        words = said(weights_figure(6, weights(2), {"child-000"}))
        assert words == (
            "Weights of 2 children in 6 rounds. On average the least is 0.204, the most 0.500; "
            "child-000 0.204."
        )


class TestLearning:
    def test_does_not_hang_on_one_child_that_says_something_wild(self) -> None:
        honest = [{1: 0.6, 2: 0.4}] * 4
        assert said(learning_figure(2, {"loss": [*honest, {1: 1e300, 2: 1e300}]})) == (
            "In 2 rounds the median loss goes from 0.6 to 0.4."
        )

    def test_draws_every_measure_in_a_panel_of_its_own(self) -> None:
        shown = texts(learning_figure(2, {"loss": [{1: 0.6}], "accuracy": [{2: 0.9}]}))
        assert {"loss", "accuracy"} <= set(shown)


class TestDots:
    def test_have_a_row_for_each_party_where_they_are_few(self) -> None:
        shown = texts(dots_figure("t", {"shared": accuracies(3), "alone": accuracies(2)}))
        assert {"party-000", "party-002", "with one trained alone"} <= set(shown)

    def test_have_a_row_for_each_model_where_parties_are_many(self) -> None:
        shown = texts(dots_figure("t", {"shared": accuracies(50), "alone": accuracies(50)}))
        assert {"shared", "alone"} <= set(shown)
        assert "party-000" not in shown

    def test_tell_the_network_from_the_same_encoder_with_a_head_of_each_party(self) -> None:
        marks = [
            {use.attrib["{http://www.w3.org/1999/xlink}href"] for use in svg.iter(f"{SVG}use")}
            for svg in (
                parse(dots_figure("t", {it: {"a": 0.5}})) for it in ("shared_head", "shared")
            )
        ]
        assert marks[0] != marks[1]

    def test_draw_a_model_that_has_no_name_for_people(self) -> None:
        assert "first layer" in texts(dots_figure("t", {"first_layer": {"a": 0.5}}))


class TestBars:
    def test_write_the_value_beside_each_name(self) -> None:
        shown = texts(bars_figure("t", {"root_only": 0.8534}, "root_only"))
        assert {"root only", "0.853"} <= set(shown)

    def test_cut_names_that_would_leave_no_room(self) -> None:
        shown = texts(bars_figure("t", {"n" * 63: 0.5}, ""))
        assert f"{'n' * 23}…" in shown
