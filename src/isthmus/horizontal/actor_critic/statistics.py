"""Statistics of each child's update in a round, which the actor decides by."""

from dataclasses import dataclass

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.horizontal.parameters import Updates

FEATURES = 7

_BLOCK = 2**18  # columns at a time, so that no second copy of all updates is made
_STEPS = 8  # of the geometric median
_TINY = 1e-12


@dataclass(frozen=True)
class Seen:
    """Statistics of the updates of a round, each of shape (children,) unless it says otherwise."""

    mean_cosine: Floats
    """Cosine of the update to the mean of all by sample count, -1 to 1."""

    median_cosine: Floats
    """Cosine of the update to the geometric median of all."""

    length: Floats
    """Logarithm of the norm of the update over the median norm."""

    loss_change: Floats
    """Change of the loss on the master's samples with more weight for the child; < 0 is better."""

    products: Floats
    """Dot product of every two updates, shape (children, children)."""

    def evidence(self, weights: Floats) -> dict[str, Floats]:
        """The measures that the record of the round keeps.

        Args:
            weights: Weights of the round, shape (children,).

        Returns:
            Each of shape (children,): `cosine` is that of its update to the weighted sum of all
            others, `length` its norm by the median norm.
        """
        return {
            "cosine": _cosines_to_others(self.products, weights),
            "length": np.exp(self.length),
            "loss_change": self.loss_change,
        }


def seen(updates: Updates, prior: Floats, loss_change: Floats) -> Seen:
    """Compare the updates of a round with each other.

    All comparisons follow from the products of every two updates, whatever their size.

    Args:
        updates: One row per child, shape (children, size).
        prior: Weights by sample count, shape (children,).
        loss_change: What more weight for each child does to the loss, shape (children,).

    Returns:
        The statistics of each child.
    """
    products = _products(updates)
    lengths = np.sqrt(np.diag(products))
    typical = float(np.median(lengths))
    return Seen(
        mean_cosine=_cosines(products, prior),
        median_cosine=_cosines(products, _median_weights(products, prior)),
        length=np.log(np.clip(lengths / max(typical, _TINY), 0.1, 10.0)),
        loss_change=loss_change,
        products=products,
    )


def features(seen: Seen, prior: Floats, moves: Floats) -> Floats:
    """The inputs of the actor's network.

    Args:
        seen: Statistics of each child.
        prior: Weights by sample count, shape (children,).
        moves: Of the logarithms of weights in the round before, shape (children,).

    Returns:
        Shape (children, FEATURES), each about within -3 and 3.
    """
    columns = [
        moves / 3,
        np.clip(prior * len(prior) - 1, -1, 3),
        seen.mean_cosine,
        seen.median_cosine,
        seen.length,
        np.clip(10 * seen.loss_change, -2, 2),
        _in_deviations(seen.loss_change),
    ]
    return np.stack(columns, axis=1)


def _products(updates: Updates) -> Floats:
    products = np.zeros((len(updates), len(updates)))
    for start in range(0, updates.shape[1], _BLOCK):
        block = updates[:, start : start + _BLOCK]
        products += block @ block.T
    return products


def _cosines(products: Floats, weights: Floats) -> Floats:
    # Of each update to the weighted sum of all.
    to_sum = products @ weights
    length = np.sqrt(max(float(weights @ to_sum), 0.0))
    cosines: Floats = np.clip(
        to_sum / np.maximum(np.sqrt(np.diag(products)) * length, _TINY), -1, 1
    )
    return cosines


def _cosines_to_others(products: Floats, weights: Floats) -> Floats:
    # Of each update to the weighted sum of all but itself.
    own, to_sum = np.diag(products), products @ weights
    to_others = to_sum - weights * own
    squares = weights @ to_sum - 2 * weights * to_sum + weights**2 * own
    lengths = np.sqrt(np.maximum(own * squares, 0.0))
    cosines: Floats = np.clip(to_others / np.maximum(lengths, _TINY), -1, 1)
    return cosines


def _median_weights(products: Floats, prior: Floats) -> Floats:
    # Weiszfeld's iteration for the geometric median, which is a weighted sum of the updates
    # (Pillutla et al. 2022, Robust aggregation for federated learning, algorithm 2).
    weights, squares = prior, np.diag(products)
    for _ in range(_STEPS):
        to_sum = products @ weights
        distances = np.sqrt(np.maximum(squares - 2 * to_sum + weights @ to_sum, 0.0))
        shares = prior / np.maximum(distances, 1e-6 * max(float(distances.max()), _TINY))
        weights = shares / shares.sum()
    return weights


def _in_deviations(values: Floats) -> Floats:
    centred: Floats = values - values.mean()
    scaled: Floats = centred / (values.std() + _TINY)
    return scaled
