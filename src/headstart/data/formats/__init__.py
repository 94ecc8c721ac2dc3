"""Files and folders as people keep them, each read as parts: one file a format, whatever the rows are for."""
