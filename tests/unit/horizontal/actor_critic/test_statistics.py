import numpy as np
import pytest

from isthmus.horizontal.actor_critic.statistics import FEATURES, features, seen

GOOD = np.array([3, 4, 0], np.float32)
UPDATES = np.stack([GOOD, 2 * GOOD, -GOOD, GOOD])
PRIOR = np.array([0.4, 0.3, 0.2, 0.1])
CHANGES = np.array([-0.1, -0.2, 0.3, -0.1])


class TestSeen:
    def test_is_the_cosine_to_the_mean_by_sample_count(self) -> None:
        assert seen(UPDATES, PRIOR, CHANGES).mean_cosine == pytest.approx([1, 1, -1, 1])

    def test_is_the_cosine_to_the_geometric_median(self) -> None:
        # One long update turns the mean around, not the median.
        wild = np.stack([GOOD, GOOD, GOOD, -1000 * GOOD])
        found = seen(wild, np.full(4, 0.25), CHANGES)
        assert found.mean_cosine == pytest.approx([-1, -1, -1, 1])
        assert found.median_cosine == pytest.approx([1, 1, 1, -1], abs=1e-3)

    def test_is_the_length_beside_the_usual_one(self) -> None:
        assert np.exp(seen(UPDATES, PRIOR, CHANGES).length) == pytest.approx([1, 2, 1, 1])

    def test_is_finite_where_nobody_trained(self) -> None:
        found = seen(np.zeros((4, 3), np.float32), PRIOR, np.zeros(4))
        assert np.isfinite(features(found, PRIOR, np.zeros(4))).all()

    def test_is_kept_as_evidence(self) -> None:
        evidence = seen(UPDATES, PRIOR, CHANGES).evidence(PRIOR)
        assert evidence["cosine"][2] == pytest.approx(-1)
        assert evidence["length"][1] == pytest.approx(2)
        assert evidence["loss_change"][2] == 0.3

    def test_compares_an_update_with_the_others_without_itself(self) -> None:
        # By far the heaviest, it would agree with a sum that it is part of.
        weights = np.array([0.1, 0.1, 0.8])
        evidence = seen(np.stack([GOOD, GOOD, -GOOD]), weights, CHANGES[:3]).evidence(weights)
        assert evidence["cosine"] == pytest.approx([-1, -1, -1])


class TestFeatures:
    def test_are_of_each_child_and_of_no_great_size(self) -> None:
        wild = seen(1e6 * UPDATES, PRIOR, 1e6 * CHANGES)
        found = features(wild, PRIOR, np.full(4, 3.0))
        assert found.shape == (4, FEATURES)
        assert np.abs(found).max() <= 3

    def test_go_with_their_child(self) -> None:
        order = [2, 0, 3, 1]
        straight = features(seen(UPDATES, PRIOR, CHANGES), PRIOR, np.arange(4.0))
        turned = features(
            seen(UPDATES[order], PRIOR[order], CHANGES[order]), PRIOR[order], np.arange(4.0)[order]
        )
        assert turned == pytest.approx(straight[order])
