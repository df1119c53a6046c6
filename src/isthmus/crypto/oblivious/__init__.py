"""An oblivious pseudorandom function of many rows at once, and what it is made of."""
