"""Which rows do the parties share? One folder per protocol that answers it."""
