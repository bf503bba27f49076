"""A CSV from blocks of bytes into rows; all it can grow is bounded, an error names its line."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator

from demo.contract import PermanentFailure

BLOCK = 2 << 20
BATCH = 512 << 10
LONGEST_ROW = 1 << 20
LONGEST_FIELD = 65_536
MOST_COLUMNS = 500
LONGEST_NAME = 200
BOM = "\ufeff"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

csv.field_size_limit(LONGEST_FIELD)  # of the process: the csv module knows no other
Read = Callable[[int, int], bytes]


# --8<-- [start:lines]
class Lines:
    """The lines after `offset`; `offset` and `number` always tell what was handed out."""

    def __init__(self, read: Read, size: int, offset: int = 0, number: int = 0) -> None:
        self.offset, self.number = offset, number
        self.row_starts = offset
        self._read, self._size = read, size

    def __iter__(self) -> Iterator[str]:
        """Decoded one by one, so that a row's end is a known place in the file."""
        position, rest = self.offset, b""
        while position < self._size:
            block = self._read(position, min(BLOCK, self._size - position))
            if position == 0 and block.startswith(UTF_16):
                raise self.refused("csv_not_text", "begins as UTF-16; save the file as UTF-8", 1)
            position += len(block)
            for raw in io.BytesIO(rest + block):
                if position < self._size and not raw.endswith(b"\n"):
                    rest = raw
                    break
                yield self._line(raw)
            else:
                rest = b""
            if len(rest) > LONGEST_ROW:
                raise self.refused("csv_too_wide", f"is longer than {LONGEST_ROW} bytes", 1)

    def _line(self, raw: bytes) -> str:
        self.number += 1
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            found = f"is not UTF-8 at byte {error.start + 1}; save the file as UTF-8"
            raise self.refused("csv_not_text", found) from None
        if "\0" in text:
            raise self.refused("csv_not_text", "has a NUL byte; this is no CSV")
        if not self.offset:
            text = text.removeprefix(BOM)
        self.offset += len(raw)
        if self.offset - self.row_starts > LONGEST_ROW:
            raise self.refused("csv_too_wide", f"ends a row of more than {LONGEST_ROW} bytes")
        return text

    # --8<-- [end:lines]

    def refused(self, code: str, found: str, ahead: int = 0) -> PermanentFailure:
        """What is wrong with the line at hand."""
        return PermanentFailure(code, f"Line {self.number + ahead} {found}.")


class Rows:
    """Rows of one width, in batches of about half a megabyte."""

    def __init__(self, lines: Lines, delimiter: str, width: int | None = None) -> None:
        self._lines = lines
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        self._width = width

    def header(self) -> list[str]:
        """The first row: a name for each column.

        Raises:
            PermanentFailure: there is none, or it has too many columns.
        """
        names = next(self._read(), None)
        if not names:
            raise PermanentFailure("csv_empty", "The file has no header line.")
        if len(names) > MOST_COLUMNS:
            found = f"has {len(names)} columns; at most {MOST_COLUMNS} are profiled"
            raise self._lines.refused("csv_too_wide", found)
        self._width = len(names)
        return [name[:LONGEST_NAME] or f"column {n}" for n, name in enumerate(names, 1)]

    # --8<-- [start:batch]
    def batch(self) -> list[list[str]]:
        """The next rows, none at the end; afterwards the lines' offset is where the next begins."""
        rows, until = [], self._lines.offset + BATCH
        for row in self._read():
            rows.append(row)
            if self._lines.offset >= until:
                break
        return rows

    def _read(self) -> Iterator[list[str]]:
        while True:
            self._lines.row_starts, begins = self._lines.offset, self._lines.number + 1
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                found = f"The row that begins at line {begins} can't be read: {error}."
                raise PermanentFailure("csv_malformed", found) from None
            if row is None:
                return
            if self._width is not None and row and len(row) != self._width:
                found = f"Line {begins} has {len(row)} fields, the header has {self._width}."
                raise PermanentFailure("csv_ragged", found)
            if row:  # an empty line is none
                yield row

    # --8<-- [end:batch]
