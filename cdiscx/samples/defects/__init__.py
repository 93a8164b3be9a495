"""Planted defects: the catalogue's rules broken one at a time, with the place where a data manager should look.

In: clean uploads or a study and a seed. Out: uploads with defects, and `Planted` records. Nothing here knows the
checks' code; it is a second reading of the catalogue, so that recall can be measured.
"""

from __future__ import annotations

from cdiscx.samples.defects import (
    contacts,
    dates,
    dosing,
    endings,
    endpoints,
    exposure,
    lesions,
    lesions_more,
    operations,
    responses,
    safety,
    structure,
    terms,
    therapy,
    visits,
)
from cdiscx.samples.defects.planting import ANY_ROW, DEFECTS, HEADER_ROW, Planted, Planter
from cdiscx.samples.defects.plants import plant, plant_many, plant_one, planted

FAMILIES = (
    structure,
    dates,
    terms,
    visits,
    contacts,
    dosing,
    therapy,
    exposure,
    lesions,
    lesions_more,
    responses,
    endpoints,
    endings,
    operations,
    safety,
)

__all__ = ["ANY_ROW", "DEFECTS", "HEADER_ROW", "Planted", "Planter", "plant", "plant_many", "plant_one", "planted"]
