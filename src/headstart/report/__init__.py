"""What a person reads about a finished run: one self-contained page and the model card.

Everything here is told from the files of a run folder; nothing is computed anew from data or model.
"""
