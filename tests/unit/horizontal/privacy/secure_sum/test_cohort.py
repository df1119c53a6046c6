"""Who is in a sum, who makes masks with whom, and which sums may be opened."""

import secrets
from typing import ClassVar

import numpy as np
import pytest
from msgspec import structs

from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.privacy.messages import Keys, Participants
from isthmus.horizontal.privacy.secure_sum.cohort import Cohort
from isthmus.horizontal.privacy.secure_sum.keyring import Keyring
from isthmus.horizontal.privacy.spec import SecureAggregation

START: Parameters = {"w": np.zeros((2, 3), np.float32)}


def cohort(
    children: int, spec: SecureAggregation | None = None, weights: list[float] | None = None
) -> Cohort:
    names = [f"child-{number:03d}" for number in range(children)]
    keys = {
        name: Keys(masking=secrets.token_bytes(32), sealing=secrets.token_bytes(32))
        for name in names
    }
    shares = weights or [1 / children] * children
    weights_of = dict(zip(names, shares, strict=True))
    participants = Participants(
        round=1, keys=keys, certificates={}, signatures={}, weights=weights_of
    )
    return Cohort(participants, START, spec or SecureAggregation())


class TestContext:
    """Two children of one sum, whose masks cancel where they agree on all of it."""

    rings: ClassVar = {"ada": Keyring(), "bo": Keyring()}
    participants = Participants(
        round=1,
        keys={name: it.public for name, it in rings.items()},
        certificates={},
        signatures={},
        weights={"ada": 0.5, "bo": 0.5},
    )

    def mask(self, ours: str, theirs: str, start: Parameters, number: int = 1) -> bytes:
        participants = structs.replace(self.participants, round=number)
        found = Cohort(participants, start, SecureAggregation())
        return self.rings[ours].pair_keys(found, ours)[theirs].mask

    def test_gives_both_the_same_mask(self) -> None:
        assert self.mask("ada", "bo", START) == self.mask("bo", "ada", START)

    @pytest.mark.parametrize(
        "other",
        [
            {"w": np.full((2, 3), 1e-30, np.float32)},
            {"w": np.zeros((3, 2), np.float32)},
            {"v": np.zeros((2, 3), np.float32)},
        ],
        ids=["numbers", "shape", "name"],
    )
    def test_gives_others_where_the_round_began_with_other_parameters(
        self, other: Parameters
    ) -> None:
        assert self.mask("ada", "bo", START) != self.mask("bo", "ada", other)

    def test_gives_others_in_another_round(self) -> None:
        assert self.mask("ada", "bo", START) != self.mask("bo", "ada", START, number=2)


class TestNeighbours:
    @pytest.mark.parametrize("children", [2, 3, 4, 9, 16])
    def test_are_all_others_where_these_are_few(self, children: int) -> None:
        found = cohort(children)
        for child in found.children:
            assert found.neighbours(child) == [it for it in found.children if it != child]

    def test_are_as_many_as_the_job_says_and_mutual(self) -> None:
        found = cohort(100, SecureAggregation(neighbours=20))
        for child in found.children:
            assert len(found.neighbours(child)) == 20
            assert all(child in found.neighbours(it) for it in found.neighbours(child))

    def test_are_others_when_keys_are_others(self) -> None:
        first, second = (cohort(100, SecureAggregation(neighbours=4)) for _ in range(2))
        assert any(first.neighbours(it) != second.neighbours(it) for it in first.children)

    @pytest.mark.parametrize(
        ("children", "threshold", "due"), [(3, 0.5, 2), (4, 0.5, 3), (9, 0.5, 5), (9, 0.8, 8)]
    )
    def test_of_whom_always_more_than_half_have_to_stay(
        self, children: int, threshold: float, due: int
    ) -> None:
        found = cohort(children, SecureAggregation(threshold=threshold))
        assert {found.threshold(it) for it in found.children} == {due}
        assert 2 * due > children


class TestFlaw:
    def test_is_none_where_all_or_enough_are_there(self) -> None:
        found = cohort(5)
        assert not found.flaw(found.children)
        assert not found.flaw(found.children[:3], gone=found.children[3:])

    def test_of_a_sum_of_too_few(self) -> None:
        found = cohort(5, SecureAggregation(least_children=4))
        assert "3 updates would be in the sum, and the job's `least_children` is 4" in found.flaw(
            found.children[:3]
        )

    def test_of_a_sum_in_which_others_count_for_nothing(self) -> None:
        found = cohort(4, weights=[0.4, 0.6, 0.0, 0.0])
        assert "2 updates would be in the sum" in found.flaw(found.children)

    def test_of_a_sum_in_which_one_counts_for_most(self) -> None:
        found = cohort(4, weights=[0.7, 0.1, 0.1, 0.1])
        assert "one child would count for 0.70 of the sum" in found.flaw(found.children)

    def test_of_a_sum_in_which_one_counts_for_most_when_others_drop_out(self) -> None:
        found = cohort(5, weights=[0.4, 0.1, 0.2, 0.2, 0.1])
        assert not found.flaw(found.children)
        assert "one child would count for 0.57" in found.flaw(found.children[:3])

    def test_of_weights_that_sum_to_more_than_one(self) -> None:
        found = cohort(4, weights=[0.4, 0.4, 0.4, 0.4])
        assert "the weights sum to more than 1" in found.flaw(found.children)

    def test_of_strangers(self) -> None:
        found = cohort(4)
        assert "other children than those that take part" in found.flaw([*found.children, "eve"])

    def test_of_too_few_who_can_open_the_masks_of_one(self) -> None:
        found = cohort(6, SecureAggregation(least_children=2))
        assert "3 of the 4 who can open the masks of" in found.flaw(found.children[:3])

    def test_of_masks_that_fall_into_several_sums(self) -> None:
        found = cohort(12, SecureAggregation(neighbours=2, least_children=2))
        circle = [found.children[0]]
        while len(circle) < 12:
            circle += [it for it in found.neighbours(circle[-1]) if it not in circle][:1]
        two_arcs = [*circle[:5], *circle[6:11]]
        assert "their masks fall into several sums" in found.flaw(two_arcs)
        assert not found.flaw(circle[:10])
