"""Tasks say what rows look like, which layers go on top, how answers are decoded and scored; one file per task."""
