"""The network, its losses and its gradients, in PyTorch."""
