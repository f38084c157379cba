"""The normalising constant: exact, estimated, or done without."""
