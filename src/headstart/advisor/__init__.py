"""What is worth doing, told from measurement before it is done: which model, how much of it, and whether at all.

Each file measures or decides one thing; the order of the steps is `advising`'s business.
"""
