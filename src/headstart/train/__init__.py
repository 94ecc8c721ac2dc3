"""Learning: the linear head by cross-validation, and the one loop for everything that moves by gradients."""
