"""Errors that a person can put right; their text is one clear line, which the command line prints as it is."""


class UsageError(Exception):
    """What was asked for cannot be done as asked: a missing source, a setting that is not a number."""
