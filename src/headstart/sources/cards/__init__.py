"""Python for model cards that opens a saved folder without headstart."""
