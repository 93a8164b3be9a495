"""Data files of this room: lines of tab-separated cells in named blocks; a line `#NAME<tab>…` opens a block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Block:
    """One block: the cells of its opening line after the name, and its lines, not yet taken apart."""

    head: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of every line."""
        return [line.split("\t") for line in self.lines]


@cache
def read_blocks(name: str) -> dict[str, Block]:
    """Name of a file in `data/` -> its blocks by name, in the file's order."""
    text = (files(__package__) / "data" / name).read_text(encoding="utf-8")
    blocks: dict[str, Block] = {}
    for piece in text.removeprefix("#").split("\n#"):
        head, *lines = piece.rstrip("\n").split("\n")
        title, *cells = head.split("\t")
        blocks[title] = Block(tuple(cells), tuple(lines))
    return blocks


def cell(row: list[str], index: int) -> str:
    """A cell of a row, "" where the line ends before it (trailing empty cells are not written)."""
    return row[index] if index < len(row) else ""
