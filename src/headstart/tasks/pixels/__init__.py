"""Telling of each pixel what it shows: targets, loss, tiles made one, and simple methods beside it."""
