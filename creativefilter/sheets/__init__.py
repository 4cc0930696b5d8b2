"""Tables that offices save, read and written alike for everybody (see ``document``)."""

from creativefilter.sheets.document import Document, Reading, check, opened
from creativefilter.sheets.errors import Finding, SheetError, sentence
from creativefilter.sheets.fields import Field, Heading
from creativefilter.sheets.types import Broken, Cell, Row, Table

__all__ = [
    "Broken",
    "Cell",
    "Document",
    "Field",
    "Finding",
    "Heading",
    "Reading",
    "Row",
    "SheetError",
    "Table",
    "check",
    "opened",
    "sentence",
]
