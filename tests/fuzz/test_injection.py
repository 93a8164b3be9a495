"""Cells that try to become markup or formulas stay text in every file of an export, whatever sheet they stood in."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from lxml import etree
from openpyxl import load_workbook

from cdiscx import delivery, flow
from cdiscx.model.spec import Study
from cdiscx.samples import clean

MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
FORMULA = '=HYPERLINK("http://example.org";"x")'
BREAKOUT = "</script><!--]]><svg/onload=alert(3)>&amp;{{7*7}}${7*7}"


def test_nothing_that_a_cell_holds_is_executed_by_any_file_of_an_export(tmp_path: Path) -> None:
    from test_pathological import as_csv

    upload = clean("neopvtt-b", sites=1, subjects=3, seed=3)[0]
    people = [row["Subject ID"] for row in upload.sheets["Demographics"]]
    renamed = dict(zip(people, (MARKUP, FORMULA, BREAKOUT), strict=False))
    for rows in upload.sheets.values():
        for n, row in enumerate(rows):
            row["Subject ID"] = renamed.get(row["Subject ID"], row["Subject ID"])
            for header, value in row.items():
                if header not in ("Subject ID", "Visit") and isinstance(value, str) and n % 3 == 0:
                    row[header] = (MARKUP, FORMULA, BREAKOUT)[n // 3 % 3]
    site = as_csv(upload.sheets, tmp_path / "site")
    files = flow.read(site)
    data = flow.tidy(Study.load("neopvtt-b"), files, today=date(2025, 7, 1))
    report = flow.validate(data, cutoff=date(2025, 6, 30), expectations=False)
    data = flow.analyse(flow.to_adam(data), report)
    order = delivery.Order("neopvtt-b", ("xpt", "csv"), despite="a test")
    made = delivery.write_all(data, report, files, order, tmp_path / "out")
    pages = [p for p in made.files if p.suffix == ".html"]
    assert {p.name for p in pages} >= {"report.html", "endpoints.html"}
    for page in pages:
        tree = etree.HTML(page.read_text("utf-8"))
        assert not tree.xpath("//*[@onerror or @onload]"), page.name
        assert not [s for s in tree.xpath("//script/text()") if s.strip().startswith("alert(")], page.name
        assert not tree.xpath("//a[starts-with(@href,'http://example.org') or starts-with(@href,'javascript')]")
    for define in (p for p in made.files if p.name == "define.xml"):
        tags = {etree.QName(e).localname for e in etree.parse(define).iter(etree.Element)}
        assert not tags & {"script", "img", "svg"}
    books = [p for p in made.files if p.suffix == ".xlsx"]
    assert books
    for path in books:
        cells = [c for sheet in load_workbook(path) for row in sheet.iter_rows() for c in row if c.value is not None]
        assert not [c.value for c in cells if c.data_type == "f" and "example.org" in str(c.value)], path.name
    etree.fromstring(flow.rendered(report, "junit").encode())
    json.loads(flow.rendered(report, "sarif"))
    assert all(p.resolve().is_relative_to((tmp_path / "out").resolve()) for p in made.files)
