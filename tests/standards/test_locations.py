"""Organ and place of a lesion, English and Chinese, as published terms."""

import polars as pl
import pytest

from cdiscx.standards import terminology
from cdiscx.standards.blocks import read_blocks
from cdiscx.standards.locations import location_direction, location_side, location_term


def placed(organ: str | None, place: str | None) -> tuple[str | None, str | None, str | None]:
    frame = pl.DataFrame({"O": [organ], "P": [place]}, schema={"O": pl.String, "P": pl.String})
    columns = pl.col("O"), pl.col("P")
    found = frame.select(a=location_term(*columns), b=location_side(*columns), c=location_direction(*columns))
    return found.row(0)


@pytest.mark.parametrize(
    ("organ", "place", "term"),
    [
        ("Liver", "Segment VIII", "LIVER, RIGHT LOBE ANTEROSUPERIOR SEGMENT"),
        ("Liver", "Segment VII", "LIVER, RIGHT LOBE POSTEROSUPERIOR SEGMENT"),
        ("Liver", "S6", "LIVER, RIGHT LOBE POSTEROINFERIOR SEGMENT"),
        ("Liver", "segment v", "LIVER, RIGHT LOBE ANTEROINFERIOR SEGMENT"),
        ("Liver", "Segment IV", "LIVER, LEFT LOBE MEDIAL SEGMENT"),
        ("Liver", "Segment IVa", "LIVER, LEFT LOBE SUPEROMEDIAL SEGMENT"),
        ("Liver", "Segment III", "LIVER, LEFT LOBE ANTEROLATERAL SEGMENT"),
        ("Liver", "Segment II", "LIVER, LEFT LOBE POSTEROLATERAL SEGMENT"),
        ("Liver", "Segment I", "LIVER, CAUDATE LOBE"),
        ("肝脏", "Ⅷ段", "LIVER, RIGHT LOBE ANTEROSUPERIOR SEGMENT"),
        ("肝", "右叶", "LIVER, RIGHT LOBE"),
        ("Liver", "Right lobe, segment VIII", "LIVER, RIGHT LOBE ANTEROSUPERIOR SEGMENT"),
        ("Liver", "Segment V/VIII", "LIVER"),
        ("Liver", None, "LIVER"),
        ("Portal vein", "Right portal branch", "PORTAL VEIN, RIGHT BRANCH"),
        ("Portal vein", "Left branch", "PORTAL VEIN, LEFT BRANCH"),
        ("Portal vein", "Main trunk and right branch", "PORTAL VEIN"),
        ("Portal vein", "Bifurcation", "PORTAL VEIN BIFURCATION"),
        ("门静脉", "主干", "PORTAL VEIN"),
        ("Lymph node", "Porta hepatis", "PORTA HEPATIS LYMPH NODE"),
        ("Lymph node", "Portacaval", "PORTACAVAL LYMPH NODE"),
        ("Lymph node", "Para-aortic", "PARA-AORTIC LYMPH NODE"),
        ("Lymph node", None, "LYMPH NODE"),
        ("Lung", "Left upper lobe", "LUNG, LEFT UPPER LOBE"),
        ("Lung", "Right", "LUNG, RIGHT"),
        ("Bone", "Lumbar vertebra 3", "L3 VERTEBRA"),
        ("Bone", "T12", "T12 VERTEBRA"),
        ("Bone", "Rib", "RIB"),
        ("Adrenal gland", "Left", "ADRENAL GLAND"),
        ("Thyroid gland", None, "THYROID GLAND"),
        ("Somewhere odd", None, "SOMEWHERE ODD"),
        (None, None, None),
    ],
)
def test_a_place_is_read_as_its_published_term(organ: str | None, place: str | None, term: str | None) -> None:
    assert placed(organ, place)[0] == term


def test_a_side_is_told_only_where_the_term_does_not_hold_it() -> None:
    assert placed("Adrenal gland", "Left")[1] == "LEFT"
    assert placed("Lymph node", "right supraclavicular")[1] == "RIGHT"
    assert placed("Kidney", "双侧")[1] == "BILATERAL"
    assert placed("Liver", "Right lobe")[1] is None


def test_the_superior_mesenteric_vein_is_a_direction_of_the_mesenteric_vein() -> None:
    assert placed("Portal vein", "Superior mesenteric vein") == ("MESENTERIC VEIN", None, "SUPERIOR")
    assert placed("Portal vein", "Right branch")[2] is None


def test_every_term_of_the_table_is_published() -> None:
    for block in read_blocks("locations.tsv").values():
        for row in block.rows:
            found = terminology.term("C74456", row[2])
            assert found is not None, row
            assert found.value == row[2]
