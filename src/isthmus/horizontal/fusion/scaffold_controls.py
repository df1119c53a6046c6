"""Sends SCAFFOLD's controls beside the parameters, under names of their own.

The master sends its control with the parameters of a round, and a child's update then holds the
change of its own control.
"""

from isthmus.horizontal.parameters import Layout, Parameters, Vector

_CONTROL = "control."


def with_control(parameters: Parameters, control: Vector) -> Parameters:
    """Add a control to parameters.

    Args:
        parameters: Of the learner, by name.
        control: In the order of their layout, shape (size,).

    Returns:
        Both, by name.
    """
    parts = Layout.of(parameters).to_parameters(control)
    return parameters | {f"{_CONTROL}{name}": part for name, part in parts.items()}


def split_control(found: Parameters) -> tuple[Parameters, Vector]:
    """Split parameters, or an update, from the control beside them.

    Args:
        found: What `with_control` returned, or a difference of two of these.

    Returns:
        The parameters, and the control in the order of their layout: of size 0 if there is none.
    """
    own = {name: it for name, it in found.items() if not name.startswith(_CONTROL)}
    beside = {name.removeprefix(_CONTROL): it for name, it in found.items() if name not in own}
    return own, Layout.of(beside).to_vector(beside)
