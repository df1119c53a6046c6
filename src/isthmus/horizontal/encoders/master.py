"""Sets up training at the master of a shared encoder, and the fusion of updates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from isthmus.core.errors import JobError
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.learner import initial, tables_of
from isthmus.horizontal.encoders.master_as_child import MasterAsChild
from isthmus.horizontal.encoders.root_data import RootData
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.fusion_context import FusionContext
from isthmus.horizontal.fusion.mean_step import budget_is_spent
from isthmus.horizontal.fusion.plain_fusion import PlainFusion
from isthmus.horizontal.fusion.private_fusion import PrivateFusion
from isthmus.horizontal.fusion.scaffold_controls import with_control
from isthmus.horizontal.fusion.secure_fusion import SecureFusion
from isthmus.horizontal.fusion.spec import ActorCritic, Scaffold
from isthmus.horizontal.fusion.weigher import Weigher
from isthmus.horizontal.parameters import Layout
from isthmus.horizontal.rounds.training import Fuse, SecureRule, Training
from isthmus.horizontal.tables import Tables
from isthmus.nn.spec import type_of

if TYPE_CHECKING:  # the extra `multilingual`
    from isthmus.text.tokenizer import Tokenizer


def training(
    spec: Encoders,
    children: Sequence[str],
    seed: int,
    root: Samples | None = None,
    weigher: Weigher | None = None,
    vocabulary: "Tokenizer | None" = None,
) -> Training:
    """Set up training at the master.

    Args:
        spec: What the job says.
        children: Names of all children of the job.
        seed: The job's.
        root: Samples of the master's own, if it has any.
        weigher: The actor-critic, where the fusion rule is one.
        vocabulary: Of a static network.

    Returns:
        Initial parameters, and the rule that fuses a round's updates.

    Raises:
        JobError: The fusion rule needs samples of the master's own, and there are none; or the
            epsilon of the job does not allow a single round.
        SpecError: These do not fit the job, or a table of the fusion rule is none of the network.
        ValueError: There is no weigher where the rule needs one.
    """
    if root is None and rules.needs_own_samples(spec.fusion):
        raise JobError(
            f"the fusion rule {rules.name(spec.fusion)!r} needs samples of the master's own, and "
            "the master has none. Name a dataset in its party file, or agree on another rule."
        )
    if isinstance(spec.fusion, ActorCritic) and weigher is None:
        raise ValueError("an actor-critic has to be given where the rule of the job is one")
    first = initial(spec, seed, 0 if vocabulary is None else vocabulary.size)
    layout = Layout.of(first)
    numbers = {name: it for it, name in enumerate(sorted(children))}
    context = FusionContext(
        rule=spec.fusion,
        limits=spec.limits,
        privacy=spec.privacy,
        numbers=numbers,
        layout=layout,
        tables=Tables(layout, tables_of(spec)),
        root_data=None if root is None else RootData(spec, root, seed),
        weigher=weigher,
        master_as_child=_master_as_child(spec, root, seed),
    )
    if isinstance(spec.fusion, Scaffold):
        first = with_control(first, np.zeros(layout.size, np.float32))
    return Training(
        type_of(spec.network),
        first,
        _fuse(context),
        PlainFusion(context).examine,
        compression=spec.privacy.compression,
        tables=tables_of(spec),
        vocabulary="" if vocabulary is None else vocabulary.digest,
        secure_rule=_secure_rule(context, tables_of(spec)),
    )


def _fuse(context: FusionContext) -> Fuse:
    asked = context.privacy.child_level
    if asked is None:
        return PlainFusion(context).fuse
    if budget_is_spent(asked, 0):
        raise JobError(
            f"the noise of `privacy.child_level` is too little for a single round within the "
            f"epsilon {asked.epsilon:g} of the job. Raise one of them."
        )
    return PrivateFusion(context, asked).fuse


def _master_as_child(spec: Encoders, root: Samples | None, seed: int) -> MasterAsChild | None:
    if root is None or not spec.fusion.trains_master:
        return None
    return MasterAsChild(spec, root, seed)


def _secure_rule(context: FusionContext, tables: tuple[str, ...]) -> SecureRule | None:
    secure = context.privacy.secure_aggregation
    if secure is None:
        return None
    fusion = SecureFusion(context)
    return SecureRule(secure, fusion.weigh, fusion.fuse, tables)
