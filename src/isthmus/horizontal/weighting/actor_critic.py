"""The index of the modes: from the job's rule to the actor-critic that weighs its children."""

from isthmus.horizontal.encoders.fusion.spec import ActorCritic, FusionRule
from isthmus.horizontal.encoders.weighing import Weigher
from isthmus.horizontal.weighting.sum_only import SumOnly


def weigher_of(rule: FusionRule, enrolled: int, seed: int) -> Weigher | None:
    """What chooses the weights of a job by any rule: nothing, where that is no actor-critic."""
    return weigher(rule, enrolled, seed) if isinstance(rule, ActorCritic) else None


def weigher(rule: ActorCritic, enrolled: int, seed: int) -> Weigher:
    """The actor-critic of a job.

    Args:
        rule: From the job.
        enrolled: Children of the job.
        seed: The job's: what it tries follows from it.

    Returns:
        What the master asks for weights; in the mode `sum_only`, a `Planner`.
    """
    match rule.mode:
        case "sum_only":
            return SumOnly(rule, enrolled, seed)
        case "literal":
            from isthmus.horizontal.weighting.literal import Literal  # noqa: PLC0415 - it loads PyTorch

            return Literal(rule, enrolled, seed)
        case "residual":
            from isthmus.horizontal.weighting.residual import Residual  # noqa: PLC0415 - it loads PyTorch

            return Residual(rule, enrolled, seed)
