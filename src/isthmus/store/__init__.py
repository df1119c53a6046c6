"""What one party keeps of a run: its folder, events and checkpoints."""
