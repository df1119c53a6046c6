from isthmus.horizontal.actor_critic.suspects import find_suspects
from isthmus.horizontal.rounds.training import ContributionRecord, Round

FINE = {"cosine": 0.6, "length": 1.0, "loss_change": -0.01}
AGAINST = {"cosine": -0.7, "length": 1.0, "loss_change": 0.2}
LONG = {"cosine": 0.5, "length": 9.5, "loss_change": -0.01}


def taken(weight: float, evidence: dict[str, float], samples: int = 10) -> ContributionRecord:
    return ContributionRecord(
        samples=samples, digest="0" * 64, metrics={}, weight=weight, evidence=evidence
    )


def rounds(count: int, **children: ContributionRecord) -> list[Round]:
    return [Round(taken=children, left_out={}, model="0" * 64)] * count


class TestSuspects:
    def test_are_named_with_reasons(self) -> None:
        history = rounds(6, ada=taken(0.5, FINE), bo=taken(0.48, FINE), cy=taken(0.02, AGAINST))
        (found,) = find_suspects(history)
        assert found.child == "cy"
        assert found.reasons == (
            "it counts for 6% of what its samples would give it",
            "its updates point against those of the others, with a mean cosine of -0.70 in the "
            "first 3 of 6 rounds",
            "more of it makes the master's samples worse, in 6 of 6 rounds",
        )

    def test_are_not_those_that_only_count_for_little(self) -> None:
        history = rounds(6, ada=taken(0.5, FINE), bo=taken(0.48, FINE), cy=taken(0.02, FINE))
        assert find_suspects(history) == ()

    def test_are_not_those_that_count_for_what_they_have(self) -> None:
        few = taken(0.02, AGAINST, samples=1)
        history = rounds(6, ada=taken(0.5, FINE, 25), bo=taken(0.48, FINE, 24), cy=few)
        assert find_suspects(history) == ()

    def test_are_not_named_after_few_rounds(self) -> None:
        history = rounds(3, ada=taken(0.98, FINE), cy=taken(0.02, AGAINST))
        assert find_suspects(history) == ()

    def test_are_not_those_that_stood_out_now_and_then(self) -> None:
        bad = rounds(3, ada=taken(0.98, FINE), cy=taken(0.02, AGAINST))
        good = rounds(4, ada=taken(0.5, FINE), cy=taken(0.5, FINE))
        assert find_suspects(bad + good) == ()

    def test_are_not_those_that_only_do_harm(self) -> None:
        harm = {"cosine": 0.0, "length": 7.0, "loss_change": 0.2}
        history = rounds(6, ada=taken(0.98, FINE), cy=taken(0.02, harm))
        assert find_suspects(history) == ()

    def test_are_those_that_hardly_pull_against_the_others_and_do_harm_nearly_always(self) -> None:
        little = {"cosine": -0.02, "length": 1.0, "loss_change": 0.1}
        once = little | {"loss_change": -0.1}
        harm = rounds(9, ada=taken(0.98, FINE), cy=taken(0.02, little))
        good = rounds(1, ada=taken(0.98, FINE), cy=taken(0.02, once))
        (found,) = find_suspects(harm + good)
        assert "with a mean cosine of -0.02 in the first 5 of 10 rounds" in found.reasons[1]
        assert found.reasons[2].endswith("in 9 of 10 rounds")
        assert find_suspects(harm[:8] + good + good)  # nobody who counts pulls as much

    def test_are_not_those_that_pull_no_more_than_others_that_count(self) -> None:
        little = {"cosine": -0.03, "length": 1.0, "loss_change": 0.1}
        rare = {"cosine": -0.04, "length": 1.0, "loss_change": -0.1}
        ada, bo = taken(0.5, FINE), taken(0.48, rare)
        harm = rounds(8, ada=ada, bo=bo, cy=taken(0.02, little))
        good = rounds(2, ada=ada, bo=bo, cy=taken(0.02, little | {"loss_change": -0.1}))
        assert find_suspects(harm + good) == ()
        (found,) = find_suspects(rounds(8, ada=ada, cy=taken(0.02, little)) + good)
        assert found.child == "cy"

    def test_are_judged_while_all_still_learn(self) -> None:
        late = {"cosine": -0.3, "length": 1.0, "loss_change": 0.1}
        early = rounds(6, ada=taken(0.98, FINE), cy=taken(0.02, FINE))
        history = early + rounds(6, ada=taken(0.98, FINE), cy=taken(0.02, late))
        assert find_suspects(history) == ()

    def test_are_judged_by_the_rounds_they_were_in(self) -> None:
        bad = rounds(5, ada=taken(0.98, LONG), cy=taken(0.02, LONG))
        without = rounds(20, ada=taken(1.0, FINE))
        (found,) = find_suspects(bad + without)
        assert found.reasons[1:] == (
            "its updates are over 9 times as long as usual, in 5 of 5 rounds",
        )

    def test_are_not_sought_where_the_rule_has_no_weights(self) -> None:
        none = ContributionRecord(samples=10, digest="0" * 64, metrics={}, weight=None)
        assert find_suspects(rounds(9, ada=none, bo=none)) == ()
