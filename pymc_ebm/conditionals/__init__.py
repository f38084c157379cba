"""What other parts of a model say about a discrete variable, entry by entry."""
