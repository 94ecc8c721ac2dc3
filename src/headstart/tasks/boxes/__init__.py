"""What finding things in pictures takes, all in boxes: targets, losses, decoding, judging."""
