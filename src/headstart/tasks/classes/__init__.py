"""What tasks share that give rows classes, one each or any number."""
