"""The project's own checks of finished SDTM and ADaM datasets, whoever made them: frames in, a report out."""

from cdiscx.conform.engine import conformance

__all__ = ["conformance"]
