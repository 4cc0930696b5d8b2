"""What is raised where something that the site needs does not answer."""

from __future__ import annotations

# When it is worth asking again.
RETRY_AFTER_SECONDS = 60


class Unavailable(Exception):  # noqa: N818 (nothing is wrong with the work)
    """Something that the work needs does not answer: it is worth another attempt."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
