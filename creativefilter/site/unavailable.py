"""Exception for a service that does not answer."""

from __future__ import annotations

# Value of the header Retry-After.
RETRY_AFTER_SECONDS = 60


class Unavailable(Exception):  # noqa: N818 (nothing is wrong with the work)
    """A service that the work needs does not answer; a later attempt may succeed.

    Args:
        code: A code of ``site/codes/``.
        detail: Technical reason, for logs.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
