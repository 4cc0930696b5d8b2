"""Base class of errors that are shown to people."""


class UserError(ValueError):
    """An error that the user can put right; ``str`` gives a sentence in the reader's language."""
