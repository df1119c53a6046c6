"""S3 from the request of a child to the encoder that all have, and what it is worth to each."""

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.datasets import load_digits  # type: ignore[import-untyped, unused-ignore]

from isthmus.data.samples import Samples
from isthmus.evaluation.description import Metrics
from isthmus.horizontal.encoders import head
from isthmus.horizontal.encoders.child import trainer_factory
from isthmus.horizontal.encoders.head import Holding
from isthmus.horizontal.encoders.master import training
from isthmus.horizontal.encoders.spec import Encoders, Head
from isthmus.horizontal.fusion.spec import Count, FedProx, Fusion, Scaffold
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.local_training import MakeTrainer
from isthmus.horizontal.rounds.protocol import Trained
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.nn.spec import Image
from tests.federation import Federation, learner
from tests.learning import CNN, encoders, samples

PEOPLE = "ada", "bo", "cy", "dee", "eva"


def federate(spec: Encoders, children: dict[str, Samples | None], wanted: str) -> Federation:
    roles = {name: learner(prepared(spec, found, name), wanted) for name, found in children.items()}
    return Federation.of(roles)


def prepared(spec: Encoders, found: Samples | None, name: str) -> MakeTrainer:
    return trainer_factory(spec, found, 1, name)


def play(spec: Encoders, children: dict[str, Samples | None], wanted: str = "tabular") -> Trained:
    federation = federate(spec, children, wanted)
    trained = federation.play(spec.rounds, training=training(spec, list(children), 1))
    assert not federation.raised
    for received in federation.returned.values():
        assert received.model == trained.model
    return trained


class TestChildren:
    @pytest.mark.parametrize("fusion", [Count(), FedProx(), Scaffold()])
    def test_train_one_encoder_each_on_its_own_samples(self, fusion: Fusion) -> None:
        spec = encoders(fusion=fusion, rounds=Rounds(count=3))
        trained = play(spec, {"ada": samples(seed=1), "bo": samples(seed=2)})
        assert trained.holders == ("ada", "bo")
        losses = [record.taken["ada"].metrics["loss"] for record in trained.rounds]
        assert losses[-1] < losses[0]

    def test_with_samples_of_another_type_decline_and_get_it_all_the_same(self) -> None:
        spec = encoders(rounds=Rounds(count=2))
        children = {"ada": samples(), "bo": samples(seed=2), "cy": samples(CNN), "dee": None}
        trained = play(spec, children)
        assert trained.holders == ("ada", "bo", "cy", "dee")
        assert trained.rounds[0].left_out == {
            "cy": "declined: no samples of this type",
            "dee": "declined: no samples of this type",
        }


def digits(rows: Sequence[int]) -> Samples:
    found = load_digits()
    labels = tuple(str(found.target[row]) for row in rows)
    return Samples("image", found.data[list(rows)].astype(np.float32), labels=labels)


def uneven(seed: int) -> dict[str, Holding]:
    """Each child has many of two digits and three of every other, and is asked about all."""
    order = np.random.default_rng(seed).permutation
    target = load_digits().target
    free = [order(np.flatnonzero(target == digit)).tolist() for digit in range(10)]
    test = digits([found.pop() for found in free for _ in range(25)])
    return {
        name: Holding(
            name,
            digits(
                [
                    free[digit].pop()
                    for digit in range(10)
                    for _ in range(40 if digit // 2 == number else 3)
                ]
            ),
            test,
        )
        for number, name in enumerate(PEOPLE)
    }


class TestASharedEncoder:
    """Of digits, over children who have seen few of most of them."""

    spec = Encoders(
        network=Image(height=8, width=8, largest=16.0, size=32, filters=8, patch=2),
        objective="labels",
        classes=tuple("0123456789"),
        training=LocalTraining(epochs=2, batch=16, rate=0.05, momentum=0.5),
        rounds=Rounds(count=12),
        head=Head(steps=100),
    )

    @pytest.fixture(scope="class")
    @classmethod
    def worth(cls) -> dict[str, Metrics]:
        holdings = uneven(seed=1)
        children = {name: held.train for name, held in holdings.items()}
        shared: Parameters = play(cls.spec, {**children}, "image").parameters
        return {
            name: head.compared(cls.spec, shared, held, 1, cls.spec.rounds.count)
            for name, held in holdings.items()
        }

    @pytest.mark.parametrize("child", PEOPLE)
    def test_is_worth_more_to_every_child_than_its_own(
        self, child: str, worth: dict[str, Metrics]
    ) -> None:
        for found in (worth[child]["accuracy"], worth[child]["probe"]):
            assert found["shared"] > found["alone"]

    def test_is_worth_much(self, worth: dict[str, Metrics]) -> None:
        gains = [it["accuracy"]["shared"] - it["accuracy"]["alone"] for it in worth.values()]
        assert np.mean(gains) > 0.05
