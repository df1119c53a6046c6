"""Networks: their specs, PyTorch modules and parameters. No training."""
