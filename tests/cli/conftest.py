"""Fixtures of this folder; what tests call by name is in `command_kit`."""

from command_kit import bad, folder, good, repeated

__all__ = ["bad", "folder", "good", "repeated"]
