"""The index of the modes: from the rule of a job to the actor-critic that weighs its children."""

from isthmus.horizontal.actor_critic.sum_only import SumOnly
from isthmus.horizontal.fusion.spec import ActorCritic, FusionRule
from isthmus.horizontal.fusion.weigher import Weigher


def weigher_of(rule: FusionRule, enrolled: int, seed: int) -> Weigher | None:
    """Returns the actor-critic of a job, or nothing if its rule is another one."""
    return weigher(rule, enrolled, seed) if isinstance(rule, ActorCritic) else None


def weigher(rule: ActorCritic, enrolled: int, seed: int) -> Weigher:
    """Create the actor-critic of a rule.

    Args:
        rule: From the job.
        enrolled: Number of children of the job.
        seed: The job's; the actor-critic is deterministic.

    Returns:
        The actor-critic; in the mode `sum_only`, a `Planner`.
    """
    match rule.mode:
        case "sum_only":
            return SumOnly(rule, enrolled, seed)
        case "literal":
            from isthmus.horizontal.actor_critic.literal import Literal  # noqa: PLC0415 - it loads PyTorch

            return Literal(rule, enrolled, seed)
        case "residual":
            from isthmus.horizontal.actor_critic.residual import Residual  # noqa: PLC0415 - it loads PyTorch

            return Residual(rule, enrolled, seed)
