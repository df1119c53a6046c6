"""The loops over ids and rows, compiled with numba.

Rows and keys are arrays, and numba's own objects stay in here. Sums run in a fixed order and no
two steps are fused, so the numbers are the same in every process of a run.
"""
