"""What a table may cost: bytes, ratio of packing, parts, rows, columns, cells, seconds."""

from __future__ import annotations

# Bytes that are read at a time.
BLOCK = 1 << 18

# Unpacked bytes of a file, of all its parts together.
MAX_UNPACKED = 2 << 30
# Tables shrink to a tenth, hardly ever to a hundredth; zeros shrink to a thousandth.
MAX_RATIO = 200
RATIO_COUNTS_FROM = 32 << 20
# Members of an archive, and bytes of its directory, which is read as a whole.
MAX_PARTS = 10_000
MAX_DIRECTORY = 400 * MAX_PARTS
# Parts of a workbook that are read as a whole: the list of sheets, the styles.
MAX_SMALL_PART = 8 << 20
MAX_SHARED_STRINGS = 128 << 20
# An archive in an archive in an archive is nobody's table.
MAX_NESTING = 2

# Characters of one line of a CSV file, and of one cell (the csv module has the same limit).
MAX_LINE = 1 << 20
MAX_CELL = 131_072
# A quoted cell with more lines than this is a quotation mark that is not closed.
MAX_CELL_LINES = 200
# The heading is looked for in so many rows that are not blank.
HEADING_ROWS = 20
# Ways to read a file that are told apart: more columns of IDs are nobody's table.
MAX_READINGS = 8

# Of a sheet.
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_ROW_BYTES = 32 << 20

# XLS, XLSB and ODS are read by a library that keeps a sheet in memory as a whole: in a process of
# its own with limits on the packed file, unpacked bytes, memory, processor time and output.
MAX_OTHER_WORKBOOK = 64 << 20
MAX_OTHER_UNPACKED = 256 << 20
OTHER_MEMORY = 1 << 30
# So much for a small file, and so much more for each of its unpacked bytes.
OTHER_BASE, OTHER_TIMES = 320 << 20, 16
OTHER_SECONDS = 30
OTHER_OUTPUT = 512 << 20

# Of a workbook that is filled in: ten columns, and five that are added.
MAX_FILLED_ROWS = 50_000
MAX_FILLED_CELLS = 15 * MAX_FILLED_ROWS
