"""Secure aggregation: the master gets the weighted sum of a round, and no update by itself.

`child.py` and `master.py` are the two roles; `cohort.py` (who is in a sum), `keyring.py` (secrets
of a child) and `masking.py` (updates under masks) are what both compute with. `weighted.py` is what
is summed: updates times weights, and touches of the rows of tables.
"""
