"""Items in, vectors out: what a pretrained model says of each text, image or recording, by token and as a whole.

Nothing is learnt here and nothing is written.
"""
