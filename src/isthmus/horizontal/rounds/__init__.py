"""Training in rounds of one master and its children, whatever network is trained.

`protocol.py` has both roles. At the master, `children.py` keeps the state of each child
(`child_state.py`), `inbox.py` receives from all of them, and `training.py` is what is trained and
how far it is. At a child, `local_training.py` trains in one round. `updates.py` turns updates into
messages and back, `memory.py` keeps what a run needs to be resumed. `in_process.py` plays rounds
without messages, for research.
"""
