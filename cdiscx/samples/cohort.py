"""Whole studies: subjects dealt out to sites, each with its own story and its own random numbers.

In: study, number of sites and subjects, seed, cut-off. Out: one `SampleUpload` a site.
"""

from __future__ import annotations

from datetime import date
from random import Random

from cdiscx.samples import neopvtt, palhep
from cdiscx.samples.book import Book
from cdiscx.samples.layout import HEADERS, PALHEP, SampleUpload, study_key
from cdiscx.samples.neopvtt_plan import STORIES as NEOPVTT_STORIES
from cdiscx.samples.palhep_plan import STORIES as PALHEP_STORIES

CUTOFF = date(2025, 6, 30)


def clean(
    study: str, *, sites: int = 3, subjects: int = 36, seed: int = 1, cutoff: date | None = None
) -> list[SampleUpload]:
    """Uploads without a defect: one a site, subjects spread over the sites, no date after `cutoff`.

    Every story of a study is told once in 24 subjects. The same arguments give the same uploads.
    Raises KeyError for a study without samples, ValueError for fewer than one site or subject.
    """
    key = study_key(study)
    if sites < 1 or subjects < sites:
        raise ValueError("samples need at least one site and one subject a site")
    uploads = [SampleUpload(key, f"{n:02d}", {sheet: [] for sheet in HEADERS[key]}) for n in range(1, sites + 1)]
    stories = len(PALHEP_STORIES if key == PALHEP else NEOPVTT_STORIES)
    order = Random(f"{key} {seed} stories").sample(range(stories), k=stories)
    for number in range(subjects):
        upload = uploads[number * sites // subjects]
        name = f"{number + 1:03d}" if key == PALHEP else f"{upload.site}-{number + 1:03d}"
        book = Book(key, name, upload.site, Random(f"{key} {seed} {name}"), cutoff or CUTOFF)
        if key == PALHEP:
            palhep.tell(book, PALHEP_STORIES[order[number % stories]], number)
        else:
            neopvtt.tell(book, NEOPVTT_STORIES[order[number % stories]], number)
        for sheet, rows in book.sheets.items():
            upload.sheets[sheet].extend(rows)
    return uploads
