"""Sources turn a reference into a backbone; one file per scheme. Nothing here knows tasks."""
