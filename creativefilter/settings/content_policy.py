"""Content-Security-Policy of pages; docs/operating.md lists the exceptions."""

from __future__ import annotations

from typing import Any

from csp.constants import NONCE, NONE, SELF, UNSAFE_INLINE

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        # The theme, Plotly, Swagger UI and ReDoc set styles from their scripts.
        "style-src": [SELF, UNSAFE_INLINE],
        # Plotly saves charts as pictures through data: and blob: addresses.
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "form-action": [SELF],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
