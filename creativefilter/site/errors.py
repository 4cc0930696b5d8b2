"""The base of errors that are meant for people."""


class UserError(ValueError):
    """Something that the person at the other end can mend.

    ``str(error)`` is a sentence for that person, in the language of the reader.
    """
