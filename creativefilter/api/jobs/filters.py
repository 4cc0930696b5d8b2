"""The filters of the list of jobs."""

from __future__ import annotations

from creativefilter.api.core.filters import FilterSerializer
from creativefilter.api.core.strict_fields import AnyOf, DateTime, Texts
from creativefilter.jobs.models import Job


class JobFilterSerializer(FilterSerializer):
    """Filters of jobs, combined with AND."""

    kind = Texts(32, source="kind__in", help_text="Kinds of work, such as `analyse`.")
    state = AnyOf(Job.State.choices, source="state__in")
    created_from = DateTime(required=False, source="created_at__gte")
    created_before = DateTime(required=False, source="created_at__lt")
