"""OpenAPI schema and its pages (drf-spectacular)."""

from __future__ import annotations

from creativefilter import __version__

SPECTACULAR_SETTINGS = {
    "TITLE": "Creative Filter",
    "DESCRIPTION": "Advertising creatives in, their market segments out.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    # Operations are tagged by the path segment after this prefix.
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_GENERATOR_CLASS": "creativefilter.api.core.schema.EnglishGenerator",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "creativefilter.api.core.schema.drop_titles",
        "creativefilter.api.core.schema.describe_texts",
        "creativefilter.api.core.links.add_links",
        "creativefilter.api.core.recordings.add_problems",
    ],
    # Swagger UI and ReDoc are served from our own files; the pages load nothing from other hosts.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "validatorUrl": None,
        # Hide the list of schemas: operations show theirs, and a hundred more make the page slow.
        "defaultModelsExpandDepth": -1,
    },
    "REDOC_DIST": "SIDECAR",
    "REDOC_UI_SETTINGS": {
        "theme": {
            "typography": {
                "fontFamily": "system-ui, sans-serif",
                "headings": {"fontFamily": "system-ui, sans-serif"},
            }
        }
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "BadRowReasonEnum": "creativefilter.spend.models.BadRow.Reason",
        "ChannelNameEnum": "classifier.channels.CHANNELS",
        "CreativeStateEnum": "creativefilter.creatives.models.Creative.State",
        "DecisionEnum": ["auto", "review"],
        "DeliveryEventEnum": ["job.done", "job.failed", "job.cancelled", "webhook.test"],
        "ExportFormatEnum": ["xlsx", "csv", "csv_excel"],
        "ExportKindEnum": ["creatives"],
        "JobStateEnum": "creativefilter.jobs.models.Job.State",
        "StageStateEnum": "creativefilter.api.jobs.serializers.STAGE_STATES",
        "NotPredictedReasonEnum": "creativefilter.creatives.models.Prediction.Reason",
        "SpendByEnum": ["segment", "advertiser", "brand", "media_type", "month"],
        "SpendMonthlyByEnum": ["segment", "advertiser", "brand", "media_type"],
        "SpendImportModeEnum": "creativefilter.spend.models.SpendImport.Mode",
        "SpendImportStateEnum": "creativefilter.spend.models.SpendImport.State",
        "DeliveryStateEnum": "creativefilter.webhooks.models.Delivery.State",
        "WebhookEventEnum": "creativefilter.webhooks.models.Event",
    },
}
