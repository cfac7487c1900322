"""The one error that tells a person what is wrong with a warehouse."""


class WarehouseError(Exception):
    """A warehouse that cannot be used as asked; the message is one line for the person who asked."""
