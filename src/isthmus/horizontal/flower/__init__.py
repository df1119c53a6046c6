"""The one door to Flower: our rules in any Flower app, and our jobs on a Flower federation.

| module          | what it is                                                                    |
|-----------------|-------------------------------------------------------------------------------|
| `strategies.py` | a fusion rule as a `Strategy` of Flower                                       |
| `visits.py`     | the line between master and child, over an engine of questions and answers    |
| `nodes.py`      | the SuperNodes of a federation, as such lines                                 |
| `apps.py`       | master and child as ServerApp and ClientApp                                   |
| `tickets.py`    | how a ServerApp finds the files of who started the run, and says how it ended |
| `launch.py`     | starts an app on a federation; starts a SuperNode for a job                   |

Flower is loaded by `strategies.py`, `nodes.py` and `apps.py` only.
"""
