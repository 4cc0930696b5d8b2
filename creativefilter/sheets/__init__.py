"""Reading and writing of CSV files and workbooks. Start with ``document``."""

from creativefilter.sheets.document import Document, Reading, check, opened
from creativefilter.sheets.errors import Finding, SheetError, row_sentence
from creativefilter.sheets.fields import Field, Heading
from creativefilter.sheets.records import Place, Record, records
from creativefilter.sheets.types import Broken, Cell, Row, Table

__all__ = [
    "Broken",
    "Cell",
    "Document",
    "Field",
    "Finding",
    "Heading",
    "Place",
    "Reading",
    "Record",
    "Row",
    "SheetError",
    "Table",
    "check",
    "opened",
    "records",
    "row_sentence",
]
