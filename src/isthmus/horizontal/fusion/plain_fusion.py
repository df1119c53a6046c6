"""Fusion by a master that sees the update of each child."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.contributions import flaw
from isthmus.horizontal.fusion.fusion_context import FusionContext, FusionState
from isthmus.horizontal.fusion.rules import Gathered, Need
from isthmus.horizontal.fusion.scaffold import Control
from isthmus.horizontal.fusion.scaffold_controls import split_control, with_control
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.weigher import Chosen
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.training import Contribution, Fused
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class PlainFusion:
    """Applies the rule of a job to the updates of a round."""

    context: FusionContext

    def examine(self, contribution: Contribution) -> str:
        """Returns in one clause why a contribution is refused, or an empty string."""
        if contribution.child not in self.context.numbers:
            return "it is not one of the children of the job"
        update, change = split_control(contribution.update)
        beside = self.context.layout.to_parameters(change) if change.size else {}
        limits, samples = self.context.limits, contribution.samples
        return flaw(update, samples, limits) or flaw(beside, samples, limits)

    def fuse(self, start: Parameters, taken: Sequence[Contribution], stored: Arrays) -> Fused:
        """Compute the parameters of the next round.

        Args:
            start: Parameters of this round.
            taken: Its contributions.
            stored: The state that this function returned in the round before.

        Returns:
            The parameters, the weight of each child, and the state.
        """
        context, names = self.context, [it.child for it in taken]
        before, _ = split_control(start)
        last = context.restored(stored)
        gathered = self._gathered(before, taken, last.rounds + 1)
        if context.master_as_child is not None:
            gathered = context.master_as_child.joined(gathered, before, last.rounds + 1)
        chosen = self._chosen(before, gathered, last)
        if chosen is not None:
            gathered = replace(gathered, weights=chosen.weights)
        fused = rules.fuse(context.rule, gathered, last.rule)
        after = context.layout.to_parameters(context.layout.to_vector(before) + fused.update)
        if isinstance(fused.state, Control):
            after = with_control(after, fused.state.control)
        weigher = State() if chosen is None else chosen.state
        return Fused(
            after,
            # The master as an extra child comes last and has no name.
            {} if fused.weights is None else dict(zip(names, fused.weights, strict=False)),
            FusionState(last.rounds + 1, fused.state, weigher).arrays(),
            evidence={} if chosen is None else _by_child(names, chosen),
        )

    def _gathered(self, before: Parameters, taken: Sequence[Contribution], number: int) -> Gathered:
        context = self.context
        parts = [split_control(it.update) for it in taken]
        own, needs = context.root_data, rules.needs(context.rule)
        return Gathered(
            updates=np.stack([context.layout.to_vector(update) for update, _ in parts]),
            children=np.array([context.numbers[it.child] for it in taken]),
            enrolled=len(context.numbers),
            counts=np.array([it.samples for it in taken]),
            tables=context.tables,
            control_changes=np.stack([change for _, change in parts]),
            root_update=(own.update(before, number) if own and Need.ROOT_UPDATE in needs else None),
            loss_gradient=own.loss_gradient(before, number) if own else None,
        )

    def _chosen(
        self, before: Parameters, gathered: Gathered, last: FusionState
    ) -> Chosen[State] | None:
        evaluator = self.context.master_as_child or self.context.root_data
        weigher = self.context.weigher
        if evaluator is None or weigher is None:
            return None
        return weigher.choose(gathered, evaluator.judge(before, last.rounds + 1), last.weigher)


def _by_child(names: Sequence[str], chosen: Chosen[State]) -> dict[str, dict[str, float]]:
    return {
        name: {measure: float(values[row]) for measure, values in chosen.evidence.items()}
        for row, name in enumerate(names)
    }
