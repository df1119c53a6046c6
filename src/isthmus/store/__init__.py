"""Files of one party: run folders, event logs, checkpoints and finished alignments."""
