"""Exceptions of this library."""


class MissingPartitionError(ValueError):
    """The normalising constant varies with a random variable and was not given.

    Where the parameters of an energy are random, ``log Z(θ)`` is part of the log-probability.
    Leaving it out would sample a different posterior without a word.
    """
