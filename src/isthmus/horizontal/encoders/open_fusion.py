"""Fusion by a master that sees the update of each child."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isthmus.horizontal.course import Contribution, Fused
from isthmus.horizontal.encoders import fusion
from isthmus.horizontal.encoders.controls import joined, parted
from isthmus.horizontal.encoders.fusion import Gathered, Need, State
from isthmus.horizontal.encoders.fusion.contributions import flaw
from isthmus.horizontal.encoders.fusion.scaffold import Control
from isthmus.horizontal.encoders.setting import Remembered, Setting
from isthmus.horizontal.encoders.weighing import Chosen
from isthmus.horizontal.parameters import Parameters
from isthmus.store.checkpoint import Arrays


@dataclass(frozen=True)
class OpenFusion:
    """The rule of a job, over the updates of a round."""

    setting: Setting

    def examine(self, contribution: Contribution) -> str:
        """Why a contribution is refused, in one clause, or nothing."""
        if contribution.child not in self.setting.numbers:
            return "it is not one of the children of the job"
        update, change = parted(contribution.update)
        beside = self.setting.layout.to_parameters(change) if change.size else {}
        limits, samples = self.setting.spec.limits, contribution.samples
        return flaw(update, samples, limits) or flaw(beside, samples, limits)

    def fuse(self, start: Parameters, taken: Sequence[Contribution], kept: Arrays) -> Fused:
        """Make the parameters of the next round.

        Args:
            start: Of this round.
            taken: What came of it.
            kept: What this function kept after the round before.

        Returns:
            The parameters, what each child counted for, and what to keep.
        """
        layout, names = self.setting.layout, [it.child for it in taken]
        before, _ = parted(start)
        last = self.setting.recall(kept)
        gathered = self._gathered(before, taken, last.rounds + 1)
        if self.setting.own_node is not None:
            gathered = self.setting.own_node.joined(gathered, before, last.rounds + 1)
        chosen = self._chosen(before, gathered, last)
        if chosen is not None:
            gathered = replace(gathered, weights=chosen.weights)
        fused = fusion.fuse(self.setting.spec.fusion, gathered, last.rule)
        after = layout.to_parameters(layout.to_vector(before) + fused.update)
        if isinstance(fused.state, Control):
            after = joined(after, fused.state.control)
        weigher = State() if chosen is None else chosen.state
        return Fused(
            after,
            # The master's own node, where there is one, comes last and has no name.
            {} if fused.weights is None else dict(zip(names, fused.weights, strict=False)),
            Remembered(last.rounds + 1, fused.state, weigher).arrays(),
            evidence={} if chosen is None else _by_child(names, chosen),
        )

    def _gathered(self, before: Parameters, taken: Sequence[Contribution], number: int) -> Gathered:
        setting = self.setting
        parts = [parted(it.update) for it in taken]
        root, needs = setting.root, fusion.needs(setting.spec.fusion)
        return Gathered(
            updates=np.stack([setting.layout.to_vector(update) for update, _ in parts]),
            children=np.array([setting.numbers[it.child] for it in taken]),
            enrolled=len(setting.numbers),
            counts=np.array([it.samples for it in taken]),
            control_changes=np.stack([change for _, change in parts]),
            root_update=(
                root.update(before, number) if root and Need.ROOT_UPDATE in needs else None
            ),
            loss_gradient=root.loss_gradient(before, number) if root else None,
        )

    def _chosen(
        self, before: Parameters, gathered: Gathered, last: Remembered
    ) -> Chosen[State] | None:
        judges, weigher = self.setting.own_node or self.setting.root, self.setting.weigher
        if judges is None or weigher is None:
            return None
        return weigher.choose(gathered, judges.judge(before, last.rounds + 1), last.weigher)


def _by_child(names: Sequence[str], chosen: Chosen[State]) -> dict[str, dict[str, float]]:
    return {
        name: {measure: float(values[row]) for measure, values in chosen.evidence.items()}
        for row, name in enumerate(names)
    }
