"""The door to numba: the loops over ids and rows, compiled."""
