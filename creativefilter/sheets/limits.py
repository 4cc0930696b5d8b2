"""Limits on tables: bytes, compression ratio, archive members, rows, columns, cells, seconds."""

from __future__ import annotations

# Bytes to read at a time.
BLOCK = 1 << 18

# Unpacked bytes of a file, all archive members together.
MAX_UNPACKED = 2 << 30
# Unpacked bytes divided by packed bytes. Tables usually reach 10 and hardly ever 100; a file of
# zeros reaches 1,000. The ratio is checked from RATIO_COUNTS_FROM unpacked bytes on.
MAX_RATIO = 200
RATIO_COUNTS_FROM = 32 << 20
# Members of an archive, and bytes of its central directory, which is read as a whole.
MAX_PARTS = 10_000
MAX_DIRECTORY = 400 * MAX_PARTS
# Bytes of workbook parts that are read as a whole: the list of sheets, the styles.
MAX_SMALL_PART = 8 << 20
# Bytes of the shared strings of an XLSX workbook, unpacked.
MAX_SHARED_STRINGS = 128 << 20
# Levels of archives: an archive in an archive is opened. A third one, or a workbook in the second,
# is refused.
MAX_NESTING = 2

# Bytes of one line of a CSV file (in UTF-16: characters).
MAX_LINE = 1 << 20
# A quoted cell with more lines than this is taken for an unclosed quotation mark.
MAX_CELL_LINES = 200
# The heading is searched for in this many rows from the top; blank rows do not count.
HEADING_ROWS = 20
# Most readings of one file, for example by different ID columns. More are not considered.
MAX_READINGS = 8

# Limits of one sheet: rows and columns, which are those of Excel, and bytes of one row as XML.
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_ROW_BYTES = 32 << 20

# XLS, XLSB and ODS are read by a library that keeps a whole sheet in memory. It runs in a child
# process. Bytes of the file, and of XLSB and ODS also unpacked bytes:
MAX_OTHER_WORKBOOK = 64 << 20
MAX_OTHER_UNPACKED = 256 << 20
# Memory of the child in bytes: OTHER_BASE, plus OTHER_TIMES for each unpacked byte (XLS: each byte
# of the file), at most OTHER_MEMORY.
OTHER_MEMORY = 1 << 30
OTHER_BASE, OTHER_TIMES = 320 << 20, 16
# Seconds of processor time, and bytes of output, of the child.
OTHER_SECONDS = 30
OTHER_OUTPUT = 512 << 20

# Limits of a workbook that is filled in, all sheets together: rows, and filled cells before the
# new columns are added (15 a row on average).
MAX_FILLED_ROWS = 50_000
MAX_FILLED_CELLS = 15 * MAX_FILLED_ROWS
