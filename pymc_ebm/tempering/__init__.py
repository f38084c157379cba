"""Continuous tempering: a model and its log Z from a base density that is known."""
