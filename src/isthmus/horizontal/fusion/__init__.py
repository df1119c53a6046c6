"""The closed set of rules by which a master fuses its children's updates into one.

`rules.py` is the index: from the job's rule to the function and what it needs. Every rule is a pure
function of arrays; what it remembers between rounds goes in and comes out as its `State`.

| module                   | rules                                               |
|--------------------------|-----------------------------------------------------|
| `averages.py`            | count, uniform, actor_critic, fedprox at the master |
| `touches.py`             | touch_mean                                          |
| `optimisers.py`          | fedavgm, fedadam, fedyogi                           |
| `scaffold.py`            | scaffold at the master                              |
| `corrections.py`         | fedprox and scaffold at a child                     |
| `robust.py`              | median, trimmed_mean, multi_krum, fltrust           |
| `validation_gradient.py` | validation_gradient                                 |

`spec.py` has the keys of a job; `contributions.py` checks what a child sent before any rule sees
it; `weigher.py` is the interface of an actor-critic, which chooses weights. How a master applies a
rule depends on what it sees of a round: `plain_fusion.py` where it sees each update,
`secure_fusion.py` where it sees their sum, `private_fusion.py` where it adds noise to their mean.
`mean_step.py` is the step that the last two share, `fusion_context.py` what all three are given.
"""
