"""What writing down speech takes: letters, losses, searches, times of words, judging."""
