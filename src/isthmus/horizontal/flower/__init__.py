"""The one door to Flower: our rules in any Flower app, and our jobs on a Flower federation.

| module          | what it is                                                                    |
|-----------------|-------------------------------------------------------------------------------|
| `strategies.py` | a fusion rule as a `Strategy` of Flower                                       |
| `replay.py`     | the line between master and child, over an engine of requests and replies     |
| `nodes.py`      | the SuperNodes of a federation, as such lines                                 |
| `apps.py`       | master and child as ServerApp and ClientApp                                   |
| `run_files.py`  | how a ServerApp finds the files of who started the run, and says how it ended |
| `launch.py`     | starts an app on a federation; starts a SuperNode for a job                   |

Flower is loaded by `strategies.py`, `nodes.py` and `apps.py` only.
"""
