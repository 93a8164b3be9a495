"""Bytes in, raw tables out: every cell as typed, with its place. This room knows nothing of studies."""

from cdiscx.read.door import read_upload, read_uploads
from cdiscx.read.limits import Limits

__all__ = ["Limits", "read_upload", "read_uploads"]
