"""Tables as spreadsheets write them: CSV in some encoding, with some delimiter."""

import csv
import io
from collections.abc import Sequence
from typing import Final

_DELIMITERS: Final = {",": "a comma", ";": "a semicolon", "\t": "a tab"}
_SAID: Final = "sep="  # the row in which Excel says the delimiter, and which is no row of the table


class EncodingError(Exception):
    """A file is in no encoding that spreadsheets here write; one line says so, and what to do."""


def decoded(data: bytes) -> str:
    """UTF-8 with or without a mark, else GB 18030, which spreadsheets in China write.

    Raises EncodingError.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
        # the accents of other countries can be read as rare characters, but never as common ones
        if "\0" not in text and (encoding == "utf-8-sig" or _is_chinese(text)):
            return text
    raise EncodingError("is neither UTF-8 nor GB 18030: save it as CSV in UTF-8")


def _is_chinese(text: str) -> bool:
    return not text.encode("gb2312", "ignore").isascii()


class Rows:
    """The rows of a table, split at the delimiter that its header has."""

    def __init__(self, text: str) -> None:
        first, newline, rest = text.partition("\n")
        said = first.rstrip("\r").lower().strip('"')
        if said.startswith(_SAID) and said[len(_SAID) :] in (*_DELIMITERS, "|"):
            self.delimiter, text = said[-1], newline + rest
        else:
            header = next((line for line in io.StringIO(text) if _tells(line)), "")
            self.delimiter = max(_DELIMITERS, key=header.count)
        self._rows = csv.reader(
            io.StringIO(text, newline=""), delimiter=self.delimiter, strict=True
        )

    @property
    def at(self) -> int:
        """The line of the file at which reading has arrived."""
        return self._rows.line_num

    def next(self) -> list[str] | None:
        """The next row; None: there is none. Raises csv.Error."""
        return next(self._rows, None)

    def too_many(self, fields: Sequence[str], width: int) -> str | None:
        """What is wrong with a row that has more columns than the header; None: it has not."""
        if not any(field.strip() for field in fields[width:]):
            return None  # spreadsheets fill up with empty ones
        what = _DELIMITERS.get(self.delimiter, f"`{self.delimiter}`")
        return f"has {len(fields)} columns instead of {width}: put texts that hold {what} in quotes"


def _tells(line: str) -> bool:
    """Whether it is neither empty nor a remark."""
    return bool(line.strip(f"{''.join(_DELIMITERS)} \r\n")) and not line.lstrip().startswith("#")
