"""Serializer of the findings in an uploaded table."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from creativefilter.sheets import Finding


class FindingSerializer(serializers.Serializer[Any]):
    """Something about a file that its sender should know."""

    code = serializers.CharField(help_text="Stable code of the finding.")
    sheet = serializers.CharField(help_text="Name of the sheet in a workbook, otherwise blank.")
    line = serializers.IntegerField(help_text="Line of the file; 0 for the whole file.")
    message = serializers.SerializerMethodField()

    def get_message(self, finding: dict[str, Any] | Finding) -> str:
        """The finding as a sentence in the language of Accept-Language."""
        return str(finding if isinstance(finding, Finding) else Finding.of(finding))
