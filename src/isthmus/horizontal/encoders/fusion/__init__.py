"""The closed set of rules by which a master fuses its children's updates into one.

`rules.py` is the index: from the job's rule to the function and what it needs. Every rule is a pure
function of arrays; what it remembers between rounds goes in and comes out as its `State`.

| module                   | rules                                               |
|--------------------------|-----------------------------------------------------|
| `averages.py`            | count, uniform, actor_critic, fedprox at the master |
| `optimisers.py`          | fedavgm, fedadam, fedyogi                           |
| `scaffold.py`            | scaffold at the master                              |
| `corrections.py`         | fedprox and scaffold at a child                     |
| `robust.py`              | median, trimmed_mean, multi_krum, fltrust           |
| `validation_gradient.py` | validation_gradient                                 |

`spec.py` is what a job says of them; `contributions.py` checks what a child sent before any of them
sees it.
"""

from isthmus.horizontal.encoders.fusion.rules import (
    Fused,
    Gathered,
    Need,
    fuse,
    least_children,
    name,
    needs,
    needs_own_samples,
    start,
)
from isthmus.horizontal.encoders.fusion.state import State

__all__ = [
    "Fused",
    "Gathered",
    "Need",
    "State",
    "fuse",
    "least_children",
    "name",
    "needs",
    "needs_own_samples",
    "start",
]
