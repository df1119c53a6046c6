"""Keeping updates and samples private in rounds: sums under masks, noise, and smaller updates.

`spec.py` has the keys of a job. `secure_sum` is secure aggregation. `child_level.py` and
`sample_level.py` are differential privacy at the master and at a child. `compression.py` makes
updates smaller.
"""
