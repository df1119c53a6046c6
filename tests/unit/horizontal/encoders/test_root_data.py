"""What the master finds out on samples of its own."""

import math

import numpy as np
import pytest
import torch

from isthmus.horizontal.encoders.child import trainer
from isthmus.horizontal.encoders.inputs import to_inputs
from isthmus.horizontal.encoders.learner import initial, learner
from isthmus.horizontal.encoders.root_data import RootData
from isthmus.horizontal.parameters import Layout, Vector
from isthmus.horizontal.privacy.spec import Privacy, SampleLevel
from isthmus.nn import parameters
from tests.learning import CLASSES, RANGED, TABULAR, encoders, samples

SPEC = encoders()
START = initial(SPEC, 1)
LAYOUT = Layout.of(START)


def noise(seed: int) -> Vector:
    return np.random.default_rng(seed).normal(0, 0.1, LAYOUT.size).astype(np.float32)


class TestRootData:
    def test_trains_as_a_child_with_its_samples_would(self) -> None:
        trained, _ = trainer(SPEC, samples(), 7, "master").train(START, 3)
        expected = LAYOUT.to_vector(trained) - LAYOUT.to_vector(START)
        assert np.array_equal(RootData(SPEC, samples(), 7).update(START, 3), expected)

    def test_adds_no_noise_where_children_do(self) -> None:
        private = encoders(RANGED, privacy=Privacy(sample_level=SampleLevel(epsilon=0.01)))
        specs = (encoders(RANGED), private)
        plain, same = (RootData(it, samples(), 7).update(START, 3) for it in specs)
        assert np.array_equal(plain, same)

    @pytest.mark.parametrize("objective", ["labels", "reconstruction"])
    def test_gradient_is_the_slope_of_the_loss(self, objective: str) -> None:
        spec = encoders(objective=objective)
        start = initial(spec, 1)
        root = RootData(spec, samples(rows=20), 7)
        size = Layout.of(start).size
        chance = np.random.default_rng(0)
        at, way = chance.normal(0, 0.1, (2, size)).astype(np.float32)
        gradient = root.loss_gradient(start, 1)(at)
        ahead, behind = root.judge(start, 1)(np.stack([at + 0.01 * way, at - 0.01 * way])).loss
        assert gradient @ way == pytest.approx((ahead - behind) / 0.02, rel=0.02)


class TestJudge:
    def test_scores_candidates_by_class(self) -> None:
        candidates = np.stack([noise(1), noise(2)])
        scores = RootData(SPEC, samples(rows=30), 7).judge(START, 1)(candidates)
        module = learner(SPEC)
        for row, candidate in enumerate(candidates):
            tried = LAYOUT.to_parameters(LAYOUT.to_vector(START) + candidate)
            parameters.put(tried, module)
            found = to_inputs(TABULAR, samples(rows=30), CLASSES)
            with torch.no_grad():
                chances = module(found.values).softmax(dim=1).numpy()
            right = chances[np.arange(30), found.labels.numpy()]
            assert scores.loss[row] == pytest.approx(-np.log(right).mean(), abs=1e-6)
            assert scores.accuracy[row] == pytest.approx((right > 0.5).mean())

    def test_takes_the_chance_to_guess_right_for_accuracy_where_there_are_no_classes(self) -> None:
        spec = encoders(objective="reconstruction")
        start = initial(spec, 1)
        nothing = np.zeros((1, Layout.of(start).size), np.float32)
        scores = RootData(spec, samples(), 7).judge(start, 1)(nothing)
        assert scores.accuracy[0] == math.exp(-scores.loss[0])

    def test_masks_the_same_parts_throughout_a_round(self) -> None:
        spec = encoders(objective="reconstruction")
        start = initial(spec, 1)
        same = np.zeros((2, Layout.of(start).size), np.float32)
        root = RootData(spec, samples(), 7)
        first, second = root.judge(start, 1)(same).loss
        assert first == second != root.judge(start, 2)(same).loss[0]

    def test_does_not_change_what_it_judges(self) -> None:
        candidates = noise(1)[None]
        before = candidates.copy()
        RootData(SPEC, samples(), 7).judge(START, 1)(candidates)
        assert np.array_equal(candidates, before)

    def test_looks_at_more_samples_than_go_through_a_network_together(self) -> None:
        root = RootData(SPEC, samples(rows=1100), 7)
        scores = root.judge(START, 1)(noise(1)[None])
        assert scores.accuracy[0] * 1100 == pytest.approx(
            round(scores.accuracy[0] * 1100), abs=1e-3
        )
