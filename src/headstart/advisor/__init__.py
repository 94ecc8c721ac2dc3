"""What is worth doing, told from measurements before it is done: whether more rows would help, and which start is best.

Pure functions of figures that were measured elsewhere; nothing here trains, reads files or prints.
"""
