"""How SCAFFOLD's controls travel: beside the parameters, under names of their own.

The master sends its control with the parameters of a round, and a child's update then holds the
change of its own control.
"""

from isthmus.horizontal.parameters import Layout, Parameters, Vector

_CONTROL = "control."


def joined(parameters: Parameters, control: Vector) -> Parameters:
    """Parameters with a control beside them.

    Args:
        parameters: Of the learner, by name.
        control: In the order of their layout, shape (size,).

    Returns:
        Both, by name.
    """
    parts = Layout.of(parameters).to_parameters(control)
    return parameters | {f"{_CONTROL}{name}": part for name, part in parts.items()}


def parted(found: Parameters) -> tuple[Parameters, Vector]:
    """Parameters, or an update, and what is beside them.

    Args:
        found: What `joined` gave, or a difference of two of them.

    Returns:
        The parameters, and the control in the order of their layout: of no size where there is
        none.
    """
    own = {name: it for name, it in found.items() if not name.startswith(_CONTROL)}
    beside = {name.removeprefix(_CONTROL): it for name, it in found.items() if name not in own}
    return own, Layout.of(beside).to_vector(beside)
