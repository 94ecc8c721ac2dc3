"""Strategies say how much of the stack moves; one file each, each gives the boundary."""
