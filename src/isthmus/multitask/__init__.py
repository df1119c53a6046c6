"""Multi-task models of sparse features, trained from a queue per task (S5)."""
