"""The exceptions of bayescannon: one class above all of them, and the built-in kinds that they also are."""


class BayesCannonError(Exception):
    """Above every exception that bayescannon raises on purpose; its message says what to do."""


class InputError(BayesCannonError, ValueError):
    """A value that cannot be used: what was expected, what came, what to do."""


class InputTypeError(BayesCannonError, TypeError):
    """An object of a kind that cannot be used where it was given."""


class MissingFileError(BayesCannonError, FileNotFoundError):
    """A file or folder that is not there."""
