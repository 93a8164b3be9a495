"""Work by shares of the subjects: study data cut into shares, and a job done for each by processes or a cluster."""

from cdiscx.parts.cut import cut, in_memory
from cdiscx.parts.shares import Share, Shares
from cdiscx.parts.spread import Spread, spread

__all__ = ["Share", "Shares", "Spread", "cut", "in_memory", "spread"]
