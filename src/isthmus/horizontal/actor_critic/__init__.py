"""S6, the rule `actor_critic`: weights chosen by what they do to the accuracy of the network.

`modes.py` is the index: from the job's rule to the actor-critic of its mode. `suspects.py` names
the children that a master should look at, by the record of the rounds.
"""
