"""A page without a network: the application over a private folder, a client that is signed in, and one finished run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import Workbook
from starlette.testclient import TestClient

from cdiscx.serve.app import make_app
from cdiscx.serve.desk import Desk
from cdiscx.serve.door import choices_of
from cdiscx.serve.guard import Lock
from cdiscx.serve.settings import MEGABYTE, Settings

from .browser import until

PORT = 8123
HOME = f"http://127.0.0.1:{PORT}"
OWNED = "document.documentElement.dataset.owned='yes'"
#: what a site could type, or call its workbook, to run something on the page
HOSTILE = f'<img src=x onerror="{OWNED}">'
SCRIPT = f"</script><script>{OWNED}</script>"


@dataclass
class Page:
    """The page with its parts."""

    client: TestClient
    lock: Lock
    desk: Desk

    def sign_in(self) -> None:
        """As the browser that opens the printed address."""
        assert self.client.get("/", params={"token": self.lock.token}).status_code == 200

    def send(self, *files: tuple[str, bytes], study: str = "palhep-a", cutoff: str = "") -> str:
        """Sends workbooks; the address of the run."""
        answer = self.client.post(
            "/runs",
            data={"study": study, "cutoff": cutoff},
            files=[("files", (name, data, "application/octet-stream")) for name, data in files],
            headers={"Origin": HOME},
            follow_redirects=False,
        )
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def post(self, address: str, **fields: str) -> int:
        """Presses a button."""
        answer = self.client.post(address, data=fields, headers={"Origin": HOME}, follow_redirects=False)
        return int(answer.status_code)

    def states(self, run: str) -> dict[str, str]:
        """State of each kind of work of a run."""
        return dict(self.client.get(f"{run}/status").json()["states"])

    def finished(self, run: str, kind: str = "check") -> str:
        """How that work ended."""
        until(lambda: self.states(run)[kind] != "running", 120)
        return self.states(run)[kind]


def _page(root: Path, settings: Settings) -> Iterator[Page]:
    desk, lock = Desk(root, settings), Lock(PORT)
    with TestClient(make_app(desk, lock, settings), base_url=HOME) as client:
        yield Page(client, lock, desk)
    assert not list(root.iterdir()), "nothing outlives the program"


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Page]:
    """A client without a session; small limits."""
    root = tmp_path / "root"
    root.mkdir()
    yield from _page(root, Settings(choices_of(()), port=PORT, upload=MEGABYTE, kept=2))


@pytest.fixture
def page(stranger: Page) -> Page:
    """The same, signed in."""
    stranger.sign_in()
    return stranger


@dataclass
class Done:
    """A page with a finished run."""

    page: Page
    run: str


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """One real run over a workbook whose name, subject and cells want to be markup."""
    for page in _page(tmp_path_factory.mktemp("root"), Settings(choices_of(()), port=PORT)):
        page.sign_in()
        run = page.send((f"../../{HOSTILE}.xlsx", small_workbook()), (f"{HOSTILE}.csv", b"Remarks\nnone\n"))
        assert page.finished(run) == "done", page.desk.runs[run.rpartition("/")[2]].jobs["check"].why
        yield Done(page, run)


def small_workbook() -> bytes:
    """A subject with a shrinking and then growing lesion, whose site is generous; texts are hostile where texts are free."""
    who = "007"
    sheets = {
        "Demographics": (
            ("Subject ID", "Site ID", "Sex", "Age", "Informed Consent Date", "Enrolment Date", "HCC Diagnosis Date", "BCLC Stage", "ECOG", "Weight"),
            (who, HOSTILE, "M", 60, "2024-01-02", "2024-01-08", "2023-12-01", "C", 9, 70),
        ),
        "Visits": (("Subject ID", "Visit", "Visit Date", "Visit Done"), (who, "SCREENING", "2024-01-03", "Y")),
        "Target Lesions": (
            ("Subject ID", "Visit", "Assessment Date", "Lesion ID", "Organ", "Location", "Method", "Diameter", "Unit", "Status"),
            (who, "SCREENING", "2024-01-03", "T1", "Liver", HOSTILE, "CT", 60, "mm", "Measured"),
            (who, "SCREENING", "2024-01-03", "T2", "Lung", SCRIPT, "CT", 40, "mm", "Measured"),
            (who, "TUMOR ASSESSMENT 1", "2024-04-03", "T1", "Liver", HOSTILE, "CT", 30, "mm", "Measured"),
            (who, "TUMOR ASSESSMENT 1", "2024-04-03", "T2", "Lung", SCRIPT, "CT", 35, "mm", "Measured"),
            (who, "TUMOR ASSESSMENT 2", "2024-06-03", "T1", "Liver", HOSTILE, "CT", 45, "mm", "Measured"),
            (who, "TUMOR ASSESSMENT 2", "2024-06-03", "T2", "Lung", SCRIPT, "CT", 35, "mm", "Measured"),
        ),
        "Response": (
            ("Subject ID", "Visit", "Assessment Date", "Sum of Diameters", "Percent from Baseline", "Target Response", "New Lesion", "Overall Response"),
            (who, "TUMOR ASSESSMENT 1", "2024-04-03", 65, -35, "PR", "N", "PR"),
            (who, "TUMOR ASSESSMENT 2", "2024-06-03", 80, -20, "SD", "N", "SD"),
        ),
    }  # fmt: skip
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
