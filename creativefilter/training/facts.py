"""The facts in the manifest of a model version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from creativefilter.creatives import model_versions

if TYPE_CHECKING:
    from creativefilter.creatives.models import ModelVersion


def facts_of(version: ModelVersion) -> dict[str, Any]:
    """Return the facts of the version's manifest; {} if the folder is missing or damaged."""
    try:
        text = (Path(model_versions.path(version)) / "manifest.json").read_text(encoding="utf-8")
        return dict(json.loads(text)["facts"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
