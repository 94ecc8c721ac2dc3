"""PyTorch modules of any make as backbones: those of the PyTorch Hub, and what is particular to them."""
