"""What the rows show taken together, found before anything expensive runs: repeats, odd classes, lengths."""
