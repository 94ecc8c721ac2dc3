"""What stands on a backbone where the head is ours: its form, its layers, and Python that runs it anywhere."""
