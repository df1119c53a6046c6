# matplotlib's own types leave out most of their parameters:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Draws training: loss and gradient norm by round, and where it stopped."""

import msgspec
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from isthmus.evaluation.pages.drawing import BLUE, INK, ORANGE, STYLE, TITLE, WIDTH, svg


class Convergence(msgspec.Struct, frozen=True):
    """Loss and gradient norm by round; empty if this party does not know them."""

    rounds: list[int] = []
    loss: list[float] = []
    gradient_norm: list[float] = []
    validation_loss: list[float] = []  # of held-out training rows
    kept: int = 0  # rounds that the model has: fewer than all where the loss rose again
    converged: bool | None = None  # None where there is no tolerance to reach

    @property
    def stop(self) -> str:
        """Where the model ends, for the chart; empty where it ends as it should."""
        if self.converged is False:
            return "stopped, not converged"
        return f"kept {self.kept} of {len(self.rounds)}" if 0 < self.kept < len(self.rounds) else ""


@rc_context(STYLE)
def convergence_figure(curve: Convergence) -> str:
    """Draw loss and gradient norm by round, and mark where the model ends.

    Args:
        curve: The numbers of each round; there is a loss or a gradient norm.

    Returns:
        An `<svg>` element.
    """
    series = {"loss": curve.loss, "gradient norm": curve.gradient_norm}
    known = {name: values for name, values in series.items() if values}
    figure = Figure(figsize=(WIDTH, TITLE + 0.6 + 1.6 * len(known)), layout="constrained")
    panels = figure.subplots(len(known), sharex=True, squeeze=False)[:, 0]
    for axes, (name, values) in zip(panels, known.items(), strict=True):
        axes.plot(curve.rounds, values, color=BLUE, marker="o", markersize=3, label="training rows")
        axes.set_ylabel(name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if curve.validation_loss:
        panels[0].plot(
            curve.rounds, curve.validation_loss, color=ORANGE, linestyle="--", label="held-out rows"
        )
    if curve.stop:
        panels[0].axvline(curve.kept, color=INK, linewidth=1.2, linestyle=":", label=curve.stop)
    if curve.validation_loss or curve.stop:
        panels[0].margins(y=0.3)  # room for the legend
        panels[0].legend(loc="upper right")
    if curve.gradient_norm:
        panels[-1].set_yscale("log")
        panels[-1].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panels[-1].set_xlabel("round")
    told = {
        **known,
        **({"validation loss": curve.validation_loss} if curve.validation_loss else {}),
    }
    ends = "; ".join(f"{name} from {v[0]:.4g} to {v[-1]:.4g}" for name, v in told.items())
    stop = f" {curve.stop[:1].upper()}{curve.stop[1:]}." if curve.stop else ""
    return svg(figure, "Convergence", f"In {len(curve.rounds)} rounds: {ends}.{stop}")
