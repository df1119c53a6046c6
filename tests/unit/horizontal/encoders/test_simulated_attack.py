"""Children that attack training in a simulation."""

import numpy as np

from isthmus.horizontal.encoders.child import trainer_factory
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.simulated_attack import poison_samples, poison_updates
from isthmus.horizontal.rounds.local_training import LocalTrainer
from tests.learning import CLASSES, encoders, samples


class TestLabels:
    def test_are_noise_without_a_trace_of_the_true_ones(self) -> None:
        honest = samples(rows=1000)
        noisy = poison_samples(honest, "label_noise", CLASSES, 1, "ada")
        hits = np.mean(
            [a == b for a, b in zip(honest.labels or (), noisy.labels or (), strict=True)]
        )
        assert 0.45 < hits < 0.55
        assert poison_samples(honest, "label_noise", CLASSES, 1, "ada").labels == noisy.labels

    def test_are_flipped_from_first_to_last(self) -> None:
        flipped = poison_samples(samples(), "label_flip", CLASSES, 1, "ada")
        other = {"even": "odd", "odd": "even"}
        assert flipped.labels == tuple(other[label] for label in samples().labels or ())

    def test_stay_where_a_child_cheats_by_its_updates(self) -> None:
        assert poison_samples(samples(), "sign_flip", CLASSES, 1, "ada").labels == samples().labels


class TestUpdates:
    def test_point_the_other_way(self) -> None:
        honest = trainer_factory(encoders(), samples(), 1, "ada")
        first, second = honest("tabular"), poison_updates(honest, "sign_flip")("tabular")
        assert isinstance(first, LocalTrainer)
        assert isinstance(second, LocalTrainer)
        start = initial(encoders(), 1)
        (forth, _), (back, _) = first.train(start, 1), second.train(start, 1)
        for name, before in start.items():
            np.testing.assert_allclose(back[name] - before, before - forth[name], atol=1e-6)

    def test_stay_where_a_child_cheats_by_its_labels(self) -> None:
        honest = trainer_factory(encoders(), samples(), 1, "ada")("tabular")
        cheat = poison_updates(lambda _: honest, "label_noise")("tabular")
        assert cheat is honest

    def test_are_none_where_a_child_declines(self) -> None:
        declines = trainer_factory(encoders(), None, 1, "ada")
        assert poison_updates(declines, "sign_flip")("tabular") == "no samples of this type"
