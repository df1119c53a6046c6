"""Sentences about how well another party can guess the labels."""

from collections.abc import Mapping

OWN = "own_weights_auc"
"""Not a leak, but what to compare one with: how well a party's part of the model ranks by label."""

_SEEN = {
    "label_auc": "the gradients of its coefficients",
    "cluster_auc": "which rows are together in a node",
    "sample_auc": "which rows a tree is grown on",
}
"""What another party has seen, by the measure of how well it tells the labels."""


def worst(leakage: Mapping[str, float]) -> float | None:
    """Returns the AUC of the best guess of the labels; None where nothing is known of one."""
    return max((auc for name, auc in leakage.items() if name != OWN), default=None)


def sentence(leakage: Mapping[str, float]) -> str:
    """Say how well another party can guess the labels.

    Args:
        leakage: The AUC of its guess by measure; at least one.

    Returns:
        Plain text.
    """
    name = max(leakage.keys() - {OWN}, key=lambda each: leakage[each])
    beside = f"; its own part of the model gives {leakage[OWN]:.4f}" if OWN in leakage else ""
    return (
        f"Another party can guess labels from {_SEEN.get(name, 'what it saw')}, with an AUC of "
        f"{leakage[name]:.4f}{beside} ({SCALE})."
    )


SCALE = "0.5 is a coin toss, 1 knows every label"
