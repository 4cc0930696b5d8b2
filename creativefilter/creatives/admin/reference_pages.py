"""Admin of waiting labels and of files of the watched folder."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from creativefilter.creatives.admin.id_search import FindsIds
from creativefilter.creatives.models import WaitingLabel, WatchedFile
from creativefilter.ui.row_access import ReadOnlyAdmin


@admin.register(WaitingLabel)
class WaitingLabelAdmin(FindsIds, ReadOnlyAdmin):
    list_display = ("advertisement_id", "segment", "source", "created_at")
    list_select_related = ("segment",)
    search_fields = ("advertisement_id", "source")
    ordering = ("advertisement_id",)


@admin.register(WatchedFile)
class WatchedFileAdmin(ReadOnlyAdmin):
    list_display = ("path", "shown_state", "problem", "creative", "seen_at")
    list_filter = ("state",)
    list_filter_submit = True
    list_select_related = ("creative",)
    search_fields = ("path",)

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={WatchedFile.State.TAKEN: "success", WatchedFile.State.REFUSED: "danger"},
    )
    def shown_state(self, row: WatchedFile) -> tuple[str, str]:
        return row.state, row.get_state_display()
