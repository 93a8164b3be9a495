"""The study's words in, the house's words out: every change recorded, an unreadable cell is a value, never an exception."""

from cdiscx.tidy.tables import tidy

__all__ = ["tidy"]
