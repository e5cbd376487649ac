"""The consultation desk: waits for its issue."""
