"""Training an encoder on one or two tasks until their losses are flat."""
