"""What is typed at the desk, turned into clean arguments; one subject a file."""
