"""What the master lets its children train."""

from collections.abc import Sequence

import numpy as np

from isthmus.core.errors import JobError
from isthmus.data.samples import Samples
from isthmus.horizontal.course import Blind, Fuse, Training
from isthmus.horizontal.encoders import fusion
from isthmus.horizontal.encoders.blind_fusion import BlindFusion
from isthmus.horizontal.encoders.by_mean import NoisedFusion, exhausted
from isthmus.horizontal.encoders.controls import joined
from isthmus.horizontal.encoders.fusion.spec import ActorCritic, Scaffold
from isthmus.horizontal.encoders.learner import initial
from isthmus.horizontal.encoders.open_fusion import OpenFusion
from isthmus.horizontal.encoders.own_node import OwnNode
from isthmus.horizontal.encoders.root import Root
from isthmus.horizontal.encoders.setting import Setting
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.encoders.weighing import Weigher
from isthmus.horizontal.parameters import Layout
from isthmus.nn.spec import type_of


def training(
    spec: Encoders,
    children: Sequence[str],
    seed: int,
    root: Samples | None = None,
    weigher: Weigher | None = None,
) -> Training:
    """What a master lets its children train.

    Args:
        spec: What the job says.
        children: Names of all children of the job.
        seed: The job's.
        root: Samples of the master's own, if it has any.
        weigher: The actor-critic, where the fusion rule is one.

    Returns:
        Initial parameters, and the rule that fuses a round's updates.

    Raises:
        JobError: The fusion rule needs samples of the master's own, and there are none; or the
            epsilon of the job does not allow a single round.
        SpecError: These do not fit the job.
        ValueError: There is no weigher where the rule needs one.
    """
    if root is None and fusion.needs_own_samples(spec.fusion):
        raise JobError(
            f"the fusion rule {fusion.name(spec.fusion)!r} needs samples of the master's own, and "
            "the master has none. Name a dataset in its party file, or agree on another rule."
        )
    if isinstance(spec.fusion, ActorCritic) and weigher is None:
        raise ValueError("an actor-critic has to be given where the rule of the job is one")
    first = initial(spec, seed)
    layout = Layout.of(first)
    numbers = {name: it for it, name in enumerate(sorted(children))}
    own = None if root is None else Root(spec, root, seed)
    setting = Setting(spec, numbers, layout, own, weigher, _own_node(spec, root, seed))
    if isinstance(spec.fusion, Scaffold):
        first = joined(first, np.zeros(layout.size, np.float32))
    return Training(
        type_of(spec.network),
        first,
        _fuse(setting),
        OpenFusion(setting).examine,
        compression=spec.privacy.compression,
        blind=_blind(setting),
    )


def _fuse(setting: Setting) -> Fuse:
    asked = setting.spec.privacy.child_level
    if asked is None:
        return OpenFusion(setting).fuse
    if exhausted(asked, 0):
        raise JobError(
            f"the noise of `privacy.child_level` is too little for a single round within the "
            f"epsilon {asked.epsilon:g} of the job. Raise one of them."
        )
    return NoisedFusion(setting, asked).fuse


def _own_node(spec: Encoders, root: Samples | None, seed: int) -> OwnNode | None:
    if root is None or not spec.fusion.has_own_node:
        return None
    return OwnNode(spec, root, seed)


def _blind(setting: Setting) -> Blind | None:
    secure = setting.spec.privacy.secure_aggregation
    if secure is None:
        return None
    unseen = BlindFusion(setting)
    return Blind(secure, unseen.weigh, unseen.fuse)
