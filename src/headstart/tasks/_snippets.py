"""Python for model cards that makes answers of what a model gives, in plain NumPy and torch."""

ENTITIES = ""
