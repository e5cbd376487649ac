"""Exchange events: wait for their issue."""
