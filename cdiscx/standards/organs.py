"""Organ and location as sites write them (English, Chinese) -> the organ that counts for selection limits (R11-S-2)."""

from __future__ import annotations

from typing import Final

import polars as pl

#: rolled-up organ -> pattern on upper-case text; the first match wins, so the more special ones stand first
ORGANS: Final[tuple[tuple[str, str], ...]] = (
    ("LYMPH NODE", r"LYMPH|\bNODES?\b|NODAL|淋巴"),
    ("PORTAL VEIN", r"PORTAL VEIN|\bPVTT\b|THROMB|门静脉|癌栓"),
    ("HEPATIC VEIN", r"HEPATIC VEIN|肝静脉"),
    ("LIVER", r"LIVER|HEPATIC|HEPAR|\bSEGMENT|\bS[1-8]\b|LOBE OF LIVER|肝"),
    ("LUNG", r"LUNG|PULMON|肺"),
    ("PLEURA", r"PLEURA|胸膜|胸腔"),
    ("BONE", r"\bBONE|VERTEBRA|\bRIB|SPINE|PELVIS|骨|椎"),
    ("ADRENAL GLAND", r"ADRENAL|肾上腺"),
    ("KIDNEY", r"KIDNEY|RENAL|肾"),
    ("PERITONEUM", r"PERITON|OMENT|腹膜|网膜|ASCITES|腹水"),
    ("SPLEEN", r"SPLEEN|SPLENIC|脾"),
    ("BRAIN", r"BRAIN|CEREB|脑"),
    ("SKIN", r"\bSKIN|CUTANE|皮肤"),
    ("PANCREAS", r"PANCREA|胰"),
)
_PORTA: Final = r"PORTA HEPATIS|PORTAHEPATIS|HEPATIC HIL|LIVER HIL|HILUM OF (THE )?LIVER|HEPATODUODENAL|肝门"
#: organs whose lesions do not spread disease outside the liver
INTRAHEPATIC: Final = ("LIVER", "PORTAL VEIN", "HEPATIC VEIN")


def organ(organ_text: pl.Expr, location: pl.Expr) -> pl.Expr:
    """Rolled-up organ of a lesion from its organ text, else from its location; unknown text stays, upper case."""
    said = organ_text.str.to_uppercase().str.strip_chars()
    place = location.str.to_uppercase()
    found = pl.coalesce(_match(said), pl.when(said.is_null()).then(_match(place)))
    return pl.coalesce(found, said)


def _match(text: pl.Expr) -> pl.Expr:
    found = pl.lit(None, dtype=pl.String)
    for name, pattern in reversed(ORGANS):
        found = pl.when(text.str.contains(pattern)).then(pl.lit(name)).otherwise(found)
    return found


def at_porta_hepatis(organ_text: pl.Expr, location: pl.Expr) -> pl.Expr:
    """True where organ or location names the porta hepatis (MR-M-6)."""
    return pl.any_horizontal(
        text.str.to_uppercase().str.contains(_PORTA).fill_null(False) for text in (organ_text, location)
    )
