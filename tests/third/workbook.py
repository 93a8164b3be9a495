"""Writes `site-31.xlsx`, the upload of a German site: `python tests/third/workbook.py`. The tests read the workbook alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

from openpyxl import Workbook

CUTOFF = dt.date(2025, 6, 30)
DRUGS = ("Tabrecta", "Keytruda")
HEADERS = {
    "Patienten": "Pat.-Nr.|Zentrum|Geschlecht|Alter|Land|Einwilligung am|Aufnahme am|Erstdiagnose|ECOG|Gewicht (kg)|Raucherstatus|PD-L1 TPS (%)",
    "Termine": "Pat.-Nr.|Termin|Datum|Erschienen|Grund|ECOG",
    "Prüfmedikation": "Pat.-Nr.|Präparat|Von|Bis|Dosis|Einheit|Schema|Läuft|Änderung|Anlass",
    "Zielläsionen": "Pat.-Nr.|Termin|Bildgebung|Läsion|Organ|Lage|Verfahren|Längster Durchmesser (mm)|Kurzachse (mm)|Befund",
    "Weitere Läsionen": "Pat.-Nr.|Termin|Bildgebung|Läsion|Organ|Verfahren|Befund",
    "Neue Läsionen": "Pat.-Nr.|Termin|Bildgebung|Läsion|Organ|Verfahren|Sicherheit",
    "Beurteilung": "Pat.-Nr.|Termin|Datum|Summe (mm)|Zielläsionen|Übrige|Neue Läsion|Gesamt",
    "UE": "Pat.-Nr.|Lfd. Nr.|Ereignis|PT|SOC|Beginn|Ende|Dauert an|CTC-Grad|SUE|SUE-Grund|Zusammenhang|Ausgang|Kommentar",
    "Labor": "Pat.-Nr.|Termin|Entnahme|Parameter|Wert|Maßeinheit|Unterer Normwert|Oberer Normwert",
    "Symptome": "Pat.-Nr.|Termin|Datum|Husten|Atemnot",
    "Abschluss": "Pat.-Nr.|Ereignis|Bereich|Präparat|Datum",
    "Überleben": "Pat.-Nr.|Kontakt am|Status|Verstorben am|Todesursache|Folgetherapie|Folgetherapie ab|Folgetherapie Name",
}
WORD = {"CR": "komplett", "PR": "partiell", "SD": "stabil", "PD": "Progress", None: None}


@dataclass(frozen=True)
class Person:
    """One patient: sums of the lung and the node at each staging, how it ends."""

    number: int
    consent: dt.date
    lung: tuple[float, ...]
    node: tuple[float, ...]
    new_at: int = 0
    dies: int = 0  # days after the end of treatment
    other: bool = True


PEOPLE = (
    Person(1, dt.date(2024, 3, 4), (42, 30, 24, 21, 21, 22, 34), (22, 18, 14, 12, 12, 12, 14)),
    Person(2, dt.date(2024, 4, 8), (35, 33, 31, 31, 30, 30, 31), (18, 17, 16, 16, 16, 16, 16), other=False),
    Person(3, dt.date(2024, 5, 6), (51, 66), (25, 31), dies=70),
    Person(4, dt.date(2024, 6, 3), (28, 12, 0, 0, 0, 0), (17, 11, 8, 8, 8, 8), other=False),
    Person(5, dt.date(2024, 7, 1), (61, 55, 52), (30, 27, 26), new_at=2, dies=120),
    Person(6, dt.date(2024, 8, 5), (33, 22, 20, 19, 19), (20, 14, 12, 12, 12)),
    Person(7, dt.date(2024, 9, 2), (45, 44, 43, 44), (19, 19, 18, 19), other=False),
    Person(8, dt.date(2024, 11, 4), (38, 25, 24, 24), (16, 12, 11, 11)),
    Person(9, dt.date(2025, 1, 13), (47, 41, 40), (21, 19, 19)),
    Person(10, dt.date(2025, 3, 3), (29, 27), (16, 16), other=False),
)


def staging_day(n: int) -> int:
    """Every six weeks up to half a year, then every nine."""
    return 42 * n if n <= 4 else 168 + 63 * (n - 4)


def response(person: Person, n: int) -> tuple[str, str | None, bool, str]:
    """Response of targets, of the others, new lesion, overall: RECIST 1.1, written down independently of the code."""
    sums = [a + b for a, b in zip(person.lung, person.node, strict=True)]
    base, nadir, now = sums[0], min(sums[:n]), sums[n]
    if person.lung[n] == 0 and person.node[n] < 10:
        target = "CR"
    elif now >= 1.2 * nadir and now - nadir >= 5:
        target = "PD"
    else:
        target = "PR" if now <= 0.7 * base else "SD"
    new = person.new_at == n
    overall = "PD" if new else target
    return target, "weder noch" if person.other else None, new, overall


def _day(date: dt.date, n: int) -> dt.date | str:
    """Real dates and German text by turns."""
    return date if n % 3 else date.strftime("%d.%m.%Y")


def rows_of(p: Person) -> dict[str, list[list[object]]]:
    """Every sheet's rows of one patient."""
    out: dict[str, list[list[object]]] = {name: [] for name in HEADERS}
    who = f"L31-{p.number:03d}"
    enrol, first = p.consent + dt.timedelta(9), p.consent + dt.timedelta(12)
    scans = len(p.lung) - 1
    progressed = response(p, scans)[3] == "PD"
    if not progressed:  # hardly anything changes any more up to the cut-off
        while first + dt.timedelta(staging_day(scans + 1) + 7) <= CUTOFF:
            scans += 1
        lung, node = list(p.lung), list(p.node)
        while len(lung) <= scans:
            lung.append(lung[-1] and lung[-1] + (1, -1)[len(lung) % 2])
            node.append(node[-1])
        p = replace(p, lung=tuple(lung), node=tuple(node))
    last_scan = first + dt.timedelta(staging_day(scans))
    last_dose = last_scan + dt.timedelta(3) if progressed else None
    death = last_dose + dt.timedelta(p.dies) if last_dose and p.dies else None
    out["Patienten"].append(
        [who, "31", "weiblich" if p.number % 2 else "männlich", 50 + 2 * p.number, "Deutschland", _day(p.consent, p.number),
         enrol, (p.consent - dt.timedelta(200)).strftime("%m.%Y"), p.number % 2, f"{60 + p.number},5",
         ("nie", "früher", "aktuell")[p.number % 3], 5 * p.number]
    )  # fmt: skip
    until = last_dose or CUTOFF

    def visit(name: str, day: dt.date) -> None:
        if day <= CUTOFF and (death is None or day < death):
            out["Termine"].append([who, name, _day(day, p.number + 1), "ja", None, p.number % 2])

    baseline = first - dt.timedelta(6)
    visit("Basisuntersuchung", baseline)
    visit("Zyklus 1 Tag 1", first)
    visit("Zyklus 1 Tag 15", first + dt.timedelta(14))
    cycle = 1
    while (day := first + dt.timedelta(21 * (cycle - 1))) <= until:
        out["Prüfmedikation"].append([who, "Keytruda", day, None, 200, "mg", "alle 3 Wochen", None, "keine", None])
        if cycle > 1:
            visit(f"Zyklus {cycle}", day)
        cycle += 1
    out["Prüfmedikation"].append(
        [who, "Tabrecta", _day(first, p.number), last_dose, 400, "mg", "2x tgl.", None if last_dose else "ja", "beendet" if last_dose else "keine",
         "Progress" if last_dose else None]
    )  # fmt: skip
    for n in range(scans + 1):
        day = baseline if n == 0 else first + dt.timedelta(staging_day(n) - 1)
        name = "Basisuntersuchung" if n == 0 else f"Staging Nr. {n}"
        if n:
            visit(name, day)
        _lesions(out, p, who, n, name, day)
    if last_dose:
        visit("Therapieende", last_dose + dt.timedelta(30))
    _events(out, p, who, first, last_dose, death)
    k = 1
    while last_dose and (day := last_dose + dt.timedelta(90 * k)) <= CUTOFF and (death is None or day < death):
        visit(f"Nachsorge {k}", day)
        out["Überleben"].append([who, day, "lebt", None, None, "nein", None, None])
        k += 1
    if death and death <= CUTOFF:
        out["Überleben"].append([who, death + dt.timedelta(4), "verstorben", death, "Progress", "nein", None, None])
        out["Abschluss"].append([who, "Tod", "Studie", None, death])
    elif not last_dose:
        out["Überleben"].append([who, CUTOFF - dt.timedelta(5), "lebt", None, None, "nein", None, None])
    if last_dose:
        out["Abschluss"].append([who, "Progress", "Therapie", "alle", last_dose])
    return out


def _lesions(out: dict[str, list[list[object]]], p: Person, who: str, n: int, name: str, day: dt.date) -> None:
    gone = p.lung[n] == 0
    out["Zielläsionen"].append(
        [who, name, day, "T1", "Lunge", "rechter Oberlappen", "CT", None if gone else p.lung[n], None, "nicht mehr nachweisbar" if gone else "gemessen"]
    )  # fmt: skip
    out["Zielläsionen"].append(
        [who, name, day, "T2", "Lymphknoten", "subkarinal", "CT", None, f"{p.node[n]},0", "gemessen"]
    )
    if p.other:
        out["Weitere Läsionen"].append([who, name, day, "NT1", "Pleura", "CT", "vorhanden"])
    if n:
        target, other, new, overall = response(p, n)
        out["Beurteilung"].append(
            [who, name, day, p.lung[n] + p.node[n], WORD[target], other, "ja" if new else "nein", WORD[overall]]
        )
        if new:
            out["Neue Läsionen"].append([who, name, day, "NEW1", "Leber", "CT", "sicher"])
    if n < 2:
        for test, value, unit, low, high in (
            ("Hämoglobin", f"{12 + p.number % 3},4", "g/dL", 12, 17),
            ("LDH", 180 + 5 * p.number, "U/L", 120, 250),
            ("TSH basal", "1,8", "mIU/L", "0,4", 4),
            ("CEA", f"{p.number},5", "ng/mL", None, 5),
        ):
            out["Labor"].append([who, name, day, test, value, unit, low, high])
    if n < 3:
        out["Symptome"].append([who, name, day, 6 - n, None if p.number == 9 else 3])


def _events(
    out: dict[str, list[list[object]]], p: Person, who: str, first: dt.date, last: dt.date | None, death: dt.date | None
) -> None:
    start = first + dt.timedelta(10 + p.number)
    out["UE"].append(
        [who, 1, "Übelkeit", "Nausea", "Gastrointestinal disorders", start, start + dt.timedelta(6), "nein", 1 + p.number % 2, "nein", None,
         "Tabrecta", "abgeklungen", None]
    )  # fmt: skip
    if p.number % 3 == 0:
        out["UE"].append(
            [who, 2, "Ödem peripher", "Oedema peripheral", "General disorders and administration site conditions",
             (first + dt.timedelta(40)).strftime("%m.%Y"), None, "ja", 2, "nein", None, "Tabrecta; Keytruda", "anhaltend", "Fotos liegen vor"]
        )  # fmt: skip


def write(path: Path) -> Path:
    """The workbook: a banner above each table, the sheets in the site's order, one sheet that belongs to nobody."""
    book = Workbook()
    book.remove(book.worksheets[0])
    tables = [rows_of(p) for p in PEOPLE]
    book.create_sheet("Anleitung").append(["Bitte jede Zeile vollständig ausfüllen."])
    for name, headers in HEADERS.items():
        sheet = book.create_sheet(name)
        sheet.append([f"LUMEN-21 · Zentrum 31 · {name}"])
        sheet.append([])
        sheet.append(headers.split("|"))
        for table in tables:
            for row in table[name]:
                sheet.append(row)
        for row in sheet.iter_rows(min_row=4):
            for cell in row:
                if isinstance(cell.value, dt.date):
                    cell.number_format = "DD.MM.YYYY"
    notes = book.create_sheet("Notizen")
    notes.append(["Wer", "Was"])
    notes.append(["Studienschwester", "Termin L31-004 telefonisch bestätigt"])
    book.save(path)
    return path


if __name__ == "__main__":
    print(write(Path(__file__).with_name("site-31.xlsx")))
