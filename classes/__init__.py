"""Language classes: wait for their issue."""
