"""OpenAPI links: which operations can follow an operation, with values of its request or response.

The tables below hold all links of the API. Tools that generate tests or documents from the schema
use its ``links`` to call operations in a sensible order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_ID = "$response.body#/id"
_FIRST = "$response.body#/results/0/id"
_SAME = "$request.path.id"

# Source operations, the expression for the parameter ``id``, and target operations.
_BY_ID: list[tuple[str, str, str]] = [
    ("predict creative_analyse", _ID, "job job_cancel job_retry"),
    ("jobs", _FIRST, "job job_retry"),
    ("job", _SAME, "job_cancel job_retry"),
    ("job_cancel", _SAME, "job job_retry"),
    ("job_retry", _SAME, "job job_cancel"),
    ("creatives_upload", "$response.body#/results/0/job", "job job_cancel"),
    (
        "creatives_upload",
        "$response.body#/results/0/creative",
        "creative creative_change creative_delete creative_labels",
    ),
    (
        "creatives",
        _FIRST,
        "creative creative_analyse creative_change creative_labels creative_predictions",
    ),
    (
        "creative creative_change",
        _SAME,
        "creative creative_analyse creative_change creative_delete creative_labels"
        " creative_predictions",
    ),
    ("creative", "$response.body#/media/id", "media"),
    ("creative_delete", _SAME, "creative"),
    ("predictions creative_predictions", _FIRST, "prediction"),
    ("labels creative_labels", _FIRST, "label"),
    ("labels", "$response.body#/results/0/creative", "creative creative_labels"),
    ("label_create", _ID, "label"),
    ("label_create", "$response.body#/creative", "creative creative_labels"),
    ("label_batches", _FIRST, "label_batch label_batch_undo"),
    ("label_batch_create", "$response.body#/batch/id", "label_batch label_batch_undo"),
    ("label_batch label_batch_undo", _SAME, "label_batch label_batch_undo"),
    ("model_versions", _FIRST, "model_version model_version_activate"),
    ("model_version_active", _ID, "model_version"),
    ("model_version", _SAME, "model_version_activate"),
    ("predict_table", _ID, "table table_cancel table_delete table_file"),
    ("tables", _FIRST, "table table_file"),
    ("table table_cancel", _SAME, "table_delete table_file"),
    ("table_delete", _SAME, "table table_file"),
    ("export_create", _ID, "export export_download"),
    ("exports", _FIRST, "export export_download"),
    ("export", _SAME, "export_download"),
    (
        "spend_import_create",
        _ID,
        "spend_import spend_import_bad_rows spend_import_cancel spend_import_start",
    ),
    ("spend_imports", _FIRST, "spend_import spend_import_bad_rows spend_import_start"),
    ("spend_import spend_import_start", _SAME, "spend_import_bad_rows spend_import_cancel"),
    ("spend_import_cancel", _SAME, "spend_import spend_import_start"),
    ("token_create", _ID, "token token_revoke"),
    ("tokens", _FIRST, "token"),
    ("token_revoke", _SAME, "token"),
    (
        "webhook_create",
        _ID,
        "webhook webhook_delete webhook_deliveries webhook_rotate_secret webhook_test"
        " webhook_update",
    ),
    ("webhooks", _FIRST, "webhook webhook_deliveries webhook_test webhook_update"),
    ("webhook_update", _SAME, "webhook webhook_delete webhook_test"),
    ("webhook_delete", _SAME, "webhook webhook_deliveries"),
]
# Source, target and parameters of links that need several parameters, or one other than ``id``.
_OTHERS: list[tuple[str, str, dict[str, str]]] = [
    ("creative", "media_part", {"id": "$response.body#/media/id", "name": "audio.wav"}),
    ("segments", "segment", {"number": "$response.body#/0/number"}),
    ("webhook_test", "webhook_delivery", {"id": _SAME, "delivery": _ID}),
    ("webhook_test", "webhook_redeliver", {"id": _SAME, "delivery": _ID}),
    ("webhook_deliveries", "webhook_delivery", {"id": _SAME, "delivery": _FIRST}),
    ("webhook_deliveries", "webhook_redeliver", {"id": _SAME, "delivery": _FIRST}),
    ("webhook_redeliver", "webhook_delivery", {"id": _SAME, "delivery": _ID}),
]


def _links() -> Iterator[tuple[str, str, dict[str, str]]]:
    for sources, expression, targets in _BY_ID:
        for source in sources.split():
            for target in targets.split():
                yield source, target, {"id": expression}
    yield from _OTHERS


def add_links(result: dict[str, Any], **_generator: Any) -> dict[str, Any]:
    """Add the links to responses of success except 206 (postprocessing hook of drf-spectacular).

    Args:
        result: The schema; changed in place.

    Returns:
        The schema.

    Raises:
        KeyError: The schema lacks an operation that the tables name.
    """
    operations = {
        operation["operationId"]: operation
        for methods in result["paths"].values()
        for operation in methods.values()
    }
    for source, target, parameters in _links():
        if target not in operations:
            raise KeyError(target)
        for status, response in operations[source]["responses"].items():
            if status.startswith("2") and status != "206":
                link = {"operationId": target, "parameters": parameters}
                response.setdefault("links", {})[_name(source, target, response)] = link
    return result


def _name(source: str, target: str, response: dict[str, Any]) -> str:
    """Return a name that the response has not used: two links may have the same target."""
    name = target if target != source else f"{target}_again"
    return name if name not in response.get("links", {}) else f"{name}_too"
