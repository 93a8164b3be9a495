"""A finished run: findings, lesions and downloads, with hostile names and cells, read back as a browser gets them."""

from __future__ import annotations

import io
import json
import zipfile
from urllib.parse import quote

import pytest
from openpyxl import load_workbook

from .conftest import HOSTILE, SCRIPT, Done
from .test_guard import policy_of

PLACES = ("", "/report/", "/lesions", "/lesions/0")


@pytest.mark.parametrize("place", PLACES)
def test_nothing_that_was_typed_is_markup_and_the_policy_holds(done: Done, place: str):
    answer = done.page.client.get(done.run + place)
    assert answer.status_code == 200
    assert "<img" not in answer.text
    assert SCRIPT not in answer.text
    policy_of(answer.text, answer.headers["content-security-policy"])


def test_the_list_of_runs_shows_names_as_text(done: Done):
    text = done.page.client.get("/").text
    assert "<img" not in text
    assert "img src=x" in text


def test_the_report_is_the_one_of_the_report_room_with_a_way_back(done: Done):
    text = done.page.client.get(f"{done.run}/report/").text
    taken = done.page.client.get(f"{done.run}/files/report.html").text
    way = text[text.index('<nav class="wrap"') : text.index("</nav>") + len("</nav>")]
    assert f'href="{done.run}"' in way
    assert text.replace(way, "", 1).split() == taken.split()


def test_a_subject_shows_each_response_with_its_arithmetic_and_the_site_beside(done: Done):
    text = " ".join(done.page.client.get(f"{done.run}/lesions/0").text.split())
    for said in (
        "Sum of diameters: T1 60 + T2 40 = 100 mm.",
        "Baseline 100 mm. Change −35 mm = −35.0 %. Partial response: 70 mm or less (30 % below).",
        "Target response: PR by rule R11-T-PR-1.",
        "Smallest sum before (nadir) 65 mm (TUMOR ASSESSMENT 1, 2024-04-03). Change +15 mm = +23.1 %. "
        "Progression: 78 mm or more (20 % and 5 mm above).",
        "Target response: PD by rule R11-T-PD-1.",
        "The site computed: sum 80 mm, −20.0 % from baseline.",
        '<td class="differs">SD<small>differs</small></td>',
        "Target Lesions!H7",
    ):
        assert said in text
    assert text.count('<svg class="plot') == 2
    index = done.page.client.get(f"{done.run}/lesions").text
    assert "1 time point" in index


def test_downloads_are_files_of_the_report_and_the_copy_has_the_comments(done: Done):
    client = done.page.client
    listed = json.loads(client.get(f"{done.run}/files/report.json").text)
    assert {f["file"] for f in listed["findings"] if f["file"]}
    for name in ("queries.xlsx", "changes.csv", "report.zip"):
        answer = client.get(f"{done.run}/files/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-security-policy"].endswith("sandbox")
    names = zipfile.ZipFile(io.BytesIO(client.get(f"{done.run}/files/report.zip").content)).namelist()
    copies = [name.removeprefix("report/annotated/") for name in names if "/annotated/" in name]
    assert len(copies) == 2
    book = next(name for name in copies if name.endswith(".xlsx") and "csv" not in name)
    for address in ("files/annotated", "report/annotated"):  # the second is where the report page links to
        copy = load_workbook(io.BytesIO(client.get(f"{done.run}/{address}/{quote(book, safe='')}").content))
        assert any(cell.comment for sheet in copy for row in sheet for cell in row)
    assert not any(".." in name or name.startswith("/") for name in names)
    assert not any(mark in name for name in names for mark in HOSTILE if mark in '<>"')


@pytest.mark.parametrize(
    "name",
    ["../jobs/check/task.json", "..%2f..%2fjobs/check/task.json", "%2e%2e/in/0.upload", "/etc/passwd", "%2Fetc%2Fpasswd",
     "annotated/../report.json", "annotated", "", ".cdiscx-report", "..\\report.json", "datasets.zip"],
)  # fmt: skip
def test_no_name_leads_out_of_the_list_of_files(done: Done, name: str):
    answer = done.page.client.get(f"{done.run}/files/{name}")
    assert answer.status_code == 404 or (name == "annotated/../report.json" and answer.status_code == 200)


@pytest.mark.parametrize("number", ["1", "-1", "99999999999", "0.json", "../index"])
def test_no_number_but_those_of_the_subjects_is_answered(done: Done, number: str):
    assert done.page.client.get(f"{done.run}/lesions/{number}").status_code in (404, 405)


@pytest.mark.slow
def test_open_errors_stop_the_datasets_unless_a_reason_is_given(done: Done):
    assert done.page.post(f"{done.run}/datasets") == 400
    assert done.page.post(f"{done.run}/datasets", format="xpt") == 303
    assert done.page.finished(done.run, "datasets") == "failed"
    text = done.page.client.get(done.run).text
    assert "errors" in text[text.index('id="make"') :]
    assert done.page.client.get(f"{done.run}/endpoints/").status_code == 404
    assert done.page.post(f"{done.run}/datasets", format="xpt", despite="<b>interim</b>") == 303
    assert done.page.finished(done.run, "datasets") == "done", done.page.client.get(done.run).text[-4000:]
    packed = zipfile.ZipFile(io.BytesIO(done.page.client.get(f"{done.run}/files/datasets.zip").content))
    names = packed.namelist()
    assert {
        "datasets/sdtm/dm.xpt",
        "datasets/adam/adsl.xpt",
        "datasets/sdtm/define.xml",
        "datasets/manifest.json",
    } <= set(names)
    assert "interim" in packed.read("datasets/manifest.json").decode()
    endpoints = done.page.client.get(f"{done.run}/endpoints/")
    policy_of(endpoints.text, endpoints.headers["content-security-policy"])
    assert f'href="{done.run}"' in endpoints.text
    assert HOSTILE not in endpoints.text
