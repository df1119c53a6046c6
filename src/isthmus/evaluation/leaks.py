"""Sentences about how well another party can guess the labels."""

from collections.abc import Mapping

_SEEN = {
    "cluster_auc": "which rows are together in a node",
    "sample_auc": "which rows a tree is grown on",
}
"""What another party has seen, by the measure of how well it tells the labels."""


def worst(leakage: Mapping[str, float]) -> float | None:
    """Returns the AUC of the best guess of the labels; None where nothing is known of one."""
    return max(leakage.values(), default=None)


def sentence(leakage: Mapping[str, float]) -> str:
    """Say how well another party can guess the labels.

    Args:
        leakage: The AUC of its guess by measure; at least one.

    Returns:
        Plain text.
    """
    name = max(leakage, key=lambda each: leakage[each])
    return (
        f"Another party can guess labels from {_SEEN.get(name, 'what it saw')}, with an AUC of "
        f"{leakage[name]:.4f} ({SCALE})."
    )


SCALE = "0.5 is a coin toss, 1 knows every label"
