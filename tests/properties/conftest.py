"""Fixtures of this folder; what tests call by name is in `judging_kit`."""

from judging_kit import messy, messy_report, sound, sound_report

__all__ = ["messy", "messy_report", "sound", "sound_report"]
