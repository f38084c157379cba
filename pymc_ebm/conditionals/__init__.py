"""What the rest of a model says about one discrete variable."""
