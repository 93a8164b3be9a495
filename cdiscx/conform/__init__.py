"""The project's own rules of finished SDTM and ADaM datasets, whoever made them, and the doors to outside referees.

Frames in, a report out (`conformance`); a folder and its frames in, verdicts out (`referees`); both as text or plain values.
"""

from cdiscx.conform.engine import conformance
from cdiscx.conform.referees import Remark, Verdict, referees
from cdiscx.conform.summary import as_dict, as_text, exit_status

__all__ = ["Remark", "Verdict", "as_dict", "as_text", "conformance", "exit_status", "referees"]
