"""The exceptions of bayescannon: one base class, and those that are also built-in exceptions."""


class BayesCannonError(Exception):
    """
    Base class of the exceptions that bayescannon raises on purpose; the message says what to do.

    Examples
    --------
    >>> import bayescannon as bc
    >>> try:
    ...     bc.load_model("no-such-file.nc")
    ... except bc.BayesCannonError as error:
    ...     print(type(error).__name__)
    MissingFileError
    """


class BayesCannonWarning(UserWarning):
    """Something that can be computed, but means less than it seems to."""


class InputError(BayesCannonError, ValueError):
    """A value that cannot be used; the message says what was expected, what came and what to do."""


class InputTypeError(BayesCannonError, TypeError):
    """An object whose type cannot be used here."""


class MissingFileError(BayesCannonError, FileNotFoundError):
    """A file or folder that does not exist."""


class MissingLibraryError(BayesCannonError, ImportError):
    """A library that only some functions need and that is not installed; the message says how to install it."""
