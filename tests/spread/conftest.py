"""Uploads of many defects are made as in the folder `properties`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "properties"))
