"""ADaM in, numbers out: survival, proportions with exact intervals, safety and description, for every endpoint of a study."""

from cdiscx.analysis.study_results import analyse

__all__ = ["analyse"]
