"""Keeping updates and samples private in rounds: sums under masks, noise, and smaller updates.

`spec.py` is what a job may ask for. `veiled_sum.py` and `veil.py` are the parts of master and child
in secure aggregation, `assembly.py`, `keyring.py` and `masking.py` what both compute with.
`child_level.py` and `sample_level.py` are differential privacy at the master and at a child.
`compression.py` makes updates smaller.
"""
