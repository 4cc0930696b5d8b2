"""Exception for a service that can't be used at the moment."""

from __future__ import annotations

# Value of the header Retry-After.
RETRY_AFTER_SECONDS = 60


class Unavailable(Exception):  # noqa: N818 (a temporary condition, not an error of the caller)
    """A service can't be used at the moment, such as the database or the storage.

    A later attempt may succeed.


    Args:
        code: A code of ``site/codes/``.
        detail: Technical reason, for logs.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
