"""The page about a run in rounds."""

import pytest
from msgspec.structs import replace

from isthmus.evaluation.description import Learned, Metrics
from isthmus.evaluation.pages.page import Sent
from isthmus.evaluation.pages.rounds_report import Child, RoundsReport, headline, left_out, render
from tests.unit.evaluation.pages.reading import Page

ROUNDS = range(1, 5)


def child(name: str, weight: float = 0.25, suspicion: list[str] | None = None) -> Child:
    return Child(
        name=name,
        samples=1_200,
        rounds=list(ROUNDS),
        weights=dict.fromkeys(ROUNDS, weight),
        metrics={"loss": {number: 1 / number for number in ROUNDS}},
        suspicion=suspicion or [],
    )


CLAUSES = [
    "it counts for 3% of what its samples would give it",
    "its updates point against those of most others, in 4 of 4 rounds",
]
CHILDREN = [child("north"), child("south"), child("west", 0.01, CLAUSES)]

MASTER = RoundsReport(
    job="digits",
    digest="5f2b" * 16,
    party="office",
    role="master",
    peers=["north", "south", "west"],
    version="0.1.0",
    started=1_767_225_600.0,
    seconds=75.0,
    stages={"training": 70.0, "measuring": 3.0},
    learned=[
        Learned("Turn", f"office → {name}", "how far training is", "clear", 4, 100)
        for name in ("north", "south", "west")
    ],
    sent=[
        Sent(
            message="Turn",
            to="north",
            purpose="take turns",
            count=4,
            bytes=100,
            content="task str",
            protection="clear",
            first=1_767_225_610.0,
            last=1_767_225_670.0,
        )
    ],
    verdict="4 records, chain unbroken, sealed, signature valid.",
    network="image",
    rule="actor_critic",
    model="9f0e" * 16,
    rounds=4,
    train=200,
    test=500,
    metrics={"accuracy": {"shared_head": 0.9341}},
    children=CHILDREN,
    privacy={"updates of a child": "The master saw each."},
)

CHILD = replace(
    MASTER,
    party="north",
    role="child",
    peers=["office", "south", "west"],
    children=[],
    learned=[Learned("Turn", "office → north", "how far training is", "clear", 4, 100)],
    test=88,
    metrics={"accuracy": {"shared": 0.91, "alone": 0.81}},
)

BY_RULE = {"accuracy": {"actor_critic": 0.934, "fedavg": 0.712, "root_only": 0.85}}
BY_PARTY = {
    "north": {"accuracy": {"shared": 0.91, "alone": 0.81, "pooled": 0.92}},
    "south": {"accuracy": {"shared": 0.93, "alone": 0.9, "pooled": 0.94}},
    "west": {"accuracy": {"shared": 0.8, "alone": 0.85, "pooled": 0.9}},
}


def of_network(**accuracies: float) -> dict[str, Metrics]:
    """The accuracy of the network at each party."""
    return {party: {"accuracy": {"shared_head": it}} for party, it in accuracies.items()}


class TestRender:
    def test_the_master_sees_its_children_and_whom_to_look_after(self) -> None:
        page = Page(render(MASTER))
        assert page.headings == [
            "Children to look after",
            "Training",
            "Children",
            "Privacy",
            "Who learned what",
            "Data",
        ]
        assert page.figures == [
            "What each child counts for",
            "Training at the children",
            "Seconds by stage",
        ]

    def test_a_child_sees_what_the_shared_encoder_is_worth_to_it(self) -> None:
        assert Page(render(CHILD)).headings == [
            "Results on the test samples",
            "Training",
            "Privacy",
            "Who learned what",
            "Data",
        ]

    def test_every_clause_of_the_evidence_is_shown(self) -> None:
        page = render(MASTER)
        assert all(f"<dd>{clause}</dd>" in page for clause in CLAUSES)

    def test_children_to_look_after_come_first_in_the_table(self) -> None:
        table = render(MASTER).split("rounds.json")[1]
        assert table.index("west") < table.index("north") < table.index("south")

    def test_tells_honest_children_from_attackers_where_a_simulation_knows(self) -> None:
        known = [replace(it, attacks=False) for it in CHILDREN]
        page = render(replace(MASTER, children=known))
        assert "west (honest in this simulation)" in page
        assert 'class="attack"' not in page
        page = render(replace(MASTER, children=[replace(it, attacks=True) for it in CHILDREN]))
        assert "west (attacks in this simulation)" in page
        assert page.count('<strong class="attack">') == 3

    def test_folds_children_beyond_a_screen(self) -> None:
        many = [child(f"clinic-{number:02}") for number in range(25)]
        shown, folded = render(replace(MASTER, children=many)).split("5 more children")
        assert ">clinic-19<" in shown
        assert ">clinic-20<" in folded

    def test_shows_no_weight_where_the_rule_gives_none(self) -> None:
        report = replace(MASTER, children=[replace(it, weights={}) for it in CHILDREN])
        assert "What each child counts for" not in Page(render(report)).figures

    def test_says_why_a_child_was_left_out(self) -> None:
        absent = Child(name="east", left_out=dict.fromkeys(ROUNDS, "declined: too few samples"))
        page = render(replace(MASTER, children=[*CHILDREN, absent]))
        assert "rounds 1 to 4: declined: too few samples" in page

    def test_one_row_stands_for_the_same_message_to_many_children(self) -> None:
        page = render(MASTER)
        assert "office → north, south and west" in page

    def test_names_the_network_by_its_digest(self) -> None:
        assert "9f0e" * 16 in render(CHILD)

    def test_asks_the_network_for_nothing(self) -> None:
        page = render(replace(MASTER, simulated=BY_RULE, by_party=BY_PARTY))
        assert all(reference.startswith("#") for reference in Page(page).references)
        assert "<script" not in page
        assert "@import" not in page
        assert "default-src 'none'" in page

    def test_has_no_identifier_twice(self) -> None:
        identifiers = Page(render(replace(MASTER, by_party=BY_PARTY))).identifiers
        assert len(set(identifiers)) == len(identifiers)

    def test_writes_what_others_say_as_text(self) -> None:
        hostile = "<script>alert(1)</script>"
        liar = Child(
            name=hostile,
            rounds=[1],
            weights={1: 0.5},
            metrics={hostile: {1: 0.5}},
            left_out={2: hostile},
            suspicion=[hostile],
        )
        by_party = BY_PARTY | {hostile: {hostile: {hostile: 0.5, "shared": 0.5}}}
        page = render(replace(MASTER, children=[liar], warnings=[hostile], by_party=by_party))
        assert "<script" not in page
        assert "&lt;script&gt;" in page

    def test_is_the_same_page_every_time(self) -> None:
        assert render(MASTER) == render(MASTER)

    def test_can_be_made_where_nobody_took_part(self) -> None:
        report = replace(
            CHILD, rounds=0, metrics={}, train=0, test=0, learned=[], sent=[], stages={}
        )
        assert "north took part in no round" in render(report)


class TestComparison:
    def test_of_rules_says_what_their_names_mean(self) -> None:
        page = render(replace(MASTER, simulated=BY_RULE))
        assert "Accuracy by way of training" in Page(page).figures
        assert "fedavg: weights by sample count; root only: the master" in page

    def test_of_rules_leaves_out_means_over_the_parties(self) -> None:
        means = {"accuracy": {"shared": 0.88, "alone": 0.85, "oracle": 0.9}}
        page = render(replace(MASTER, simulated=means))
        assert "Beside other ways to train" not in Page(page).headings
        assert "oracle" not in page

    def test_of_rules_stands_beside_the_network_at_each_party(self) -> None:
        by_party = of_network(office=0.934, north=0.91)
        page = Page(render(replace(MASTER, simulated=BY_RULE, by_party=by_party)))
        assert page.figures[:2] == ["Accuracy by way of training", "Accuracy at each party"]

    def test_does_not_show_twice_what_the_master_alone_measures(self) -> None:
        by_party = of_network(office=0.934)
        page = Page(render(replace(MASTER, simulated=BY_RULE, by_party=by_party)))
        assert "Accuracy by way of training" in page.figures
        assert "Accuracy at each party" not in page.figures

    def test_shows_a_child_what_the_master_alone_measures(self) -> None:
        page = Page(render(replace(CHILD, metrics={}, by_party=of_network(office=0.934))))
        assert "Accuracy at each party" in page.figures

    def test_of_parties_is_a_figure_and_a_table(self) -> None:
        page = render(replace(CHILD, by_party=BY_PARTY))
        assert "Accuracy at each party" in Page(page).figures
        assert "Accuracy of each party</caption>" in page

    def test_of_parties_says_where_one_has_no_such_model(self) -> None:
        office: Metrics = {"accuracy": {"shared_head": 0.9}}
        page = render(replace(CHILD, by_party={"office": office} | BY_PARTY))
        (row,) = (row for row in page.split("<tr>") if row.startswith('<th scope="row">office<'))
        assert [">0.900<" in row, row.count("&ndash;")] == [True, 3]

    def test_puts_the_pooled_encoder_beside_the_results_of_a_child(self) -> None:
        results = render(replace(CHILD, by_party=BY_PARTY)).split("</section>")[0]
        assert all(f">{value}<" in results for value in ("0.910", "0.810", "0.920"))

    def test_of_a_hundred_parties_is_dots_in_place_of_bars(self) -> None:
        many = of_network(**{f"clinic-{number}": 0.8 for number in range(100)})
        page = render(replace(MASTER, by_party=many))
        assert "Accuracy at each party" in Page(page).figures
        assert "Of 100 parties." in page


class TestHeadline:
    def test_names_the_one_child_to_look_after_and_why(self) -> None:
        assert headline(MASTER) == (
            "3 children trained one image network in 4 rounds. Its accuracy is 0.934 on 500 "
            "samples of office. Look after west: it counts for 3% of what its samples would give "
            "it; its updates point against those of most others, in 4 of 4 rounds."
        )

    def test_names_several_without_the_evidence(self) -> None:
        children = [child(name, 0.01, CLAUSES) for name in ("north", "south", "west")]
        said = headline(replace(MASTER, children=children))
        assert said.endswith("Look after north, south and west.")

    def test_counts_children_that_never_took_part(self) -> None:
        said = headline(replace(MASTER, children=[*CHILDREN, Child(name="east")]))
        assert said.startswith("3 of 4 children trained")

    def test_tells_a_child_what_it_gains(self) -> None:
        assert headline(CHILD) == (
            "north and 3 other parties made one image network. It raises accuracy to 0.910, from "
            "0.810 with one trained alone, on 88 samples of north."
        )

    def test_is_honest_about_what_did_not_help(self) -> None:
        worse: Metrics = {"accuracy": {"shared": 0.8, "alone": 0.81}}
        assert "It did not help: accuracy is 0.800 with it and 0.810 with one trained alone" in (
            headline(replace(CHILD, metrics=worse))
        )

    def test_tells_who_measures_nothing_why(self) -> None:
        assert headline(replace(CHILD, metrics={})) == (
            "north and 3 other parties made one image network. Nothing is measured here: that "
            "takes labelled samples to test on."
        )

    def test_of_a_simulated_master_without_samples_tells_of_its_children(self) -> None:
        report = replace(MASTER, metrics={}, by_party=BY_PARTY)
        assert "It raises accuracy at 2 of 3 parties, beside one trained alone." in headline(report)


class TestLeftOut:
    @pytest.mark.parametrize(
        ("why", "said"),
        [
            ({}, ""),
            ({3: "gone"}, "round 3: gone"),
            ({3: "gone", 4: "gone", 6: "gone"}, "rounds 3 to 4: gone; round 6: gone"),
            ({1: "gone", 2: "late since round 2"}, "round 1: gone; round 2: late since round 2"),
            (
                dict.fromkeys(range(1, 12, 2), "gone"),
                "3 times before; round 7: gone; round 9: gone; round 11: gone",
            ),
        ],
    )
    def test_puts_rounds_in_a_row_together_and_the_last_ones_in_words(
        self, why: dict[int, str], said: str
    ) -> None:
        assert left_out(Child(name="north", left_out=why)) == said
