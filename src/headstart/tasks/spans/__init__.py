"""What tasks share that find spans of characters: tags of words, answers in a text."""
