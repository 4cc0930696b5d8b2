"""Link creatives to their spend, and fill in advertiser, brand and media type from it.

A creative is linked to its advertisement by the Advertisement ID. Blank names are filled in: the
advertiser that spent most on the creative, the brand of this advertiser with the most spend, and
the media type with the most spend.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from creativefilter.creatives.models import Creative
from creativefilter.spend.models import Advertisement

LINK = """
    UPDATE spend_advertisement SET creative_id = c.id, stale = TRUE
    FROM ({creatives}) c
    WHERE c.advertisement_id = spend_advertisement.advertisement_id
        AND spend_advertisement.creative_id IS NULL
"""
# A blank name is chosen only if there is no other. Window functions instead of joins of grouped
# subqueries: PostgreSQL has no statistics on these, and chose nested loops that took 90 seconds.
FILL = """
    WITH spent AS (
        SELECT a.creative_id, l.advertiser, l.brand, l.media_type,
            SUM(m.amount) AS amount, SUM(m.placements) AS placements
        FROM ({creatives}) c
        JOIN spend_advertisement a ON a.creative_id = c.id
        JOIN spend_monthlyspend m ON m.advertisement_id = a.id
        JOIN spend_line l ON l.id = m.line_id
        GROUP BY a.creative_id, l.advertiser, l.brand, l.media_type
    ), weighed AS (
        SELECT spent.*,
            SUM(amount) OVER advertisers AS advertiser_amount,
            SUM(placements) OVER advertisers AS advertiser_placements,
            SUM(amount) OVER brands AS brand_amount,
            SUM(placements) OVER brands AS brand_placements,
            SUM(amount) OVER media_types AS media_amount,
            SUM(placements) OVER media_types AS media_placements
        FROM spent
        WINDOW advertisers AS (PARTITION BY creative_id, advertiser),
            brands AS (PARTITION BY creative_id, advertiser, brand),
            media_types AS (PARTITION BY creative_id, media_type)
    ), placed AS (
        SELECT creative_id, advertiser, brand,
            FIRST_VALUE(media_type) OVER (
                PARTITION BY creative_id
                ORDER BY media_type = '', media_amount DESC, media_placements DESC, media_type
            ) AS media_type,
            ROW_NUMBER() OVER (
                PARTITION BY creative_id
                ORDER BY advertiser = '', advertiser_amount DESC, advertiser_placements DESC,
                    advertiser, brand = '', brand_amount DESC, brand_placements DESC, brand
            ) AS place
        FROM weighed
    )
    UPDATE creatives_creative SET
        advertiser = COALESCE(NULLIF(creatives_creative.advertiser, ''), most.advertiser),
        brand = COALESCE(NULLIF(creatives_creative.brand, ''), most.brand),
        media_type = COALESCE(NULLIF(creatives_creative.media_type, ''), most.media_type)
    FROM (SELECT * FROM placed WHERE place = 1) most
    WHERE most.creative_id = creatives_creative.id
"""
BLANK = Q(advertiser="") | Q(brand="") | Q(media_type="")


def unlinked(creatives: QuerySet[Creative]) -> QuerySet[Creative]:
    """Return the creatives that have spend and are not linked to their advertisement yet."""
    spent = Advertisement.objects.filter(
        advertisement_id=OuterRef("advertisement_id"), creative__isnull=True
    )
    return creatives.filter(Exists(spent), is_demo=False)


def link(creatives: QuerySet[Creative]) -> None:
    """Link these creatives to their spend and fill in their blank names, by two statements.

    Demonstration creatives are left out: they have no spend of their own.
    """
    with transaction.atomic():
        _execute(LINK, creatives.filter(is_demo=False), "id", "advertisement_id")
        _execute(FILL, creatives.filter(BLANK, spent__isnull=False), "id")


def _execute(statement: str, creatives: QuerySet[Creative], *columns: str) -> None:
    sql, params = creatives.order_by().values(*columns).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(statement.format(creatives=sql), params)


def link_one(creative: Creative) -> None:
    """Link a creative that was just saved. Its instance gets the filled-in names, too."""
    spent = Advertisement.objects.filter(advertisement_id=creative.advertisement_id)
    if creative.advertisement_id and spent.exists():
        link(Creative.objects.filter(pk=creative.pk))
        creative.refresh_from_db(fields=["advertiser", "brand", "media_type"])
