"""The desk in figures: how the log is counted, what may be shown, and how it is said, drawn and handed out."""
