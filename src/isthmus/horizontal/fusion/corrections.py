"""Corrections of a child's gradient, so that it does not drift from the others.

Everything is a vector of all parameters, shape (size,).
"""

from isthmus.horizontal.parameters import Vector, single


def proximal_gradient(
    gradient: Vector, parameters: Vector, received: Vector, proximal: float
) -> Vector:
    """Gradient of a loss with a pull back to the parameters that the round started from.

    Args:
        gradient: Gradient of the child's own loss.
        parameters: Where it was taken.
        received: Parameters that the master sent for this round.
        proximal: Strength of the pull, mu of the paper, > 0.

    Returns:
        The gradient to descend by.

    Source:
        FedProx: Li et al. 2020 (MLSys), equation 2, differentiated.
    """
    return single(gradient + proximal * (parameters - received))


def scaffold_gradient(gradient: Vector, own_control: Vector, control: Vector) -> Vector:
    """Gradient of a child, moved to where that of all children is.

    Args:
        gradient: Gradient of the child's own loss.
        own_control: The child's control, about its own gradient; zeros before its first round.
        control: The master's control, about the gradient of all.

    Returns:
        The gradient to descend by.

    Source:
        SCAFFOLD: Karimireddy et al. 2020 (ICML), algorithm 1, line 10.
    """
    return gradient - own_control + control


def scaffold_control(own_control: Vector, control: Vector, update: Vector, length: float) -> Vector:
    """The control of a child after its round; it sends the change from the one before.

    Args:
        own_control: The child's control in the round.
        control: The master's control in the round.
        update: Parameters after the round minus before.
        length: Steps of the round times their learning rate, > 0.

    Returns:
        The child's control for its next round: the mean of the gradients that it saw.

    Source:
        SCAFFOLD: Karimireddy et al. 2020 (ICML), algorithm 1, line 12, option II.
    """
    return single(own_control - control - update / length)
