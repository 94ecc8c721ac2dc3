"""Rows in, problems out: reading, checking and splitting what the user brought.

No torch and no task names here; a task's fields arrive as values of `contracts.Field`.
"""
