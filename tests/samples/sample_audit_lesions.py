"""The catalogue's measurement rules over sample rows (see `sample_audit`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median

from sample_audit import Row, Subject, as_day, rule, shift


def entered(s: Subject, row: Row) -> Decimal | None:
    """The value that enters the sum, in mm (R11-C)."""
    if row["Status"] == "Absent":
        return Decimal(0)
    if row["Status"] == "Too small":
        return Decimal(5)
    if row["Status"] == "Merged":
        return Decimal(0)
    column = "Short Axis" if row["Lymph Node"] == "Y" else "Diameter" if s.is_a else "Viable Diameter"
    return None if row[column] is None else Decimal(str(row[column]))


def total(row: Row) -> Decimal | None:
    """The lesion's own size in mm: short axis of a node, diameter otherwise."""
    if row["Status"] == "Absent":
        return Decimal(0)
    if row["Status"] == "Too small":
        return Decimal(5)
    value = row["Short Axis"] if row["Lymph Node"] == "Y" else row["Diameter"]
    return None if value is None else Decimal(str(value))


def in_time(s: Subject, sheet: str) -> dict[str, list[Row]]:
    """Visit -> its rows, in the order of the visits' dates."""
    days: dict[str, date] = {}
    out: dict[str, list[Row]] = defaultdict(list)
    for row in s.sheets[sheet]:
        visit = str(row["Visit"])
        days[visit] = max(days.get(visit, date.min), as_day(row["Assessment Date"]))
        out[visit].append(row)
    return {v: out[v] for v in sorted(out, key=lambda v: days[v])}


@rule
def baseline(s: Subject) -> Iterator[str]:
    """MEA-001, MEA-002, MEA-004, MEA-011, MEA-020, VIS-005, VIS-010."""
    first = [r for r in s.sheets["Target Lesions"] if r["Visit"] == "SCREENING"]
    organs = [r["Organ"] for r in first]
    if not first or len(first) > 5 or any(organs.count(o) > 2 for o in organs):
        yield "MEA-001/END-011"
    for row in first:
        size, slices = entered(s, row), Decimal(str(row["Slice Thickness"]))
        least = 15 if row["Lymph Node"] == "Y" else max(Decimal(10), 2 * slices if slices > 5 else Decimal(10))
        if size is None or size < least:
            yield f"MEA-002 {row['Lesion ID']} {size}"
    for day in s.scan_days("SCREENING"):
        if not shift(s.d1, -28) <= day <= s.d1:
            yield f"VIS-005 {day}"
    methods: dict[object, set[object]] = defaultdict(set)
    for sheet in ("Target Lesions", "Non-target Lesions"):
        for row in s.sheets[sheet]:
            lesion = str(row["Lesion ID"]).split(".")[0]
            methods[lesion].add((row["Method"], row["Organ"], row["Location"]))
    yield from (f"MEA-010 MEA-011 {k} {v}" for k, v in methods.items() if len(v) > 1)
    for row in s.sheets["Target Lesions"]:
        short, long, viable = row["Short Axis"], row["Diameter"], row.get("Viable Diameter")
        if short is not None and (row["Lymph Node"] != "Y" or short > long):  # type: ignore[operator]
            yield "MEA-004"
        if viable is not None and viable > long:  # type: ignore[operator]
            yield "MEA-020"
        if row["Status"] == "Not evaluable" and not row["Reason"]:
            yield "MEA-008"
        if row["Status"] == "Measured" and (row["Unit"] != "mm" or long is None):
            yield "MEA-008 no value"
        if not s.is_a and row["Arterial Phase"] != "Y":
            yield "MEA-024"
    for visit in {str(r["Visit"]) for r in s.sheets["Target Lesions"]}:
        days = s.scan_days(visit)
        if (max(days) - min(days)).days > 14:
            yield f"VIS-010 {visit}"
        if visit not in s.visits:
            yield f"scan without visit {visit}"


@rule
def courses(s: Subject) -> Iterator[str]:
    """MEA-003, MEA-005, MEA-006, MEA-009, MEA-027."""
    course: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    parts: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    merged = {str(r["Reason"]).split()[-1] for r in s.sheets["Target Lesions"] if r["Status"] == "Merged"}
    by_visit = in_time(s, "Target Lesions")
    for visit, rows in by_visit.items():
        for row in rows:
            name, size = str(row["Lesion ID"]), total(row)
            if size is not None and row["Status"] != "Merged":
                parts[name.split(".")[0], visit] += size
                if "." not in name:
                    course[name].append((as_day(row["Assessment Date"]), size))
    for name, read in course.items():
        values = [v for _, v in read]
        sized = [v for v in values if v]
        for (d1, one), (d2, two) in pairwise(read):
            if one and two and (Decimal("0.085") <= two / one <= Decimal("0.12") or Decimal("8.5") <= two / one <= 12):
                yield f"MEA-005 {name} {one} {two}"
            if (
                name not in merged
                and (d2 - d1).days <= 60
                and abs(two - one) > 30
                and abs(two - one) > Decimal("0.6") * one
            ):
                yield f"MEA-006 {name} {one} {two}"
            if one == 0 and two > 0:
                yield f"MEA-009 {name}"
        for value in sized:
            ratio = value / Decimal(str(median(values))) if median(values) else Decimal(1)
            if Decimal("0.085") <= ratio <= Decimal("0.12") or Decimal("8.5") <= ratio <= 12 or value < 3:
                yield f"MEA-005 {name} {value} of {median(values)}"
    names = {n for n, _ in parts}
    visits = list(by_visit)
    for one, two in pairwise(visits):
        pairs = [(parts.get((n, one)), parts.get((n, two))) for n in names]
        if len(names) > 1 and all(a is not None and a == b for a, b in pairs):
            yield f"MEA-027 {one} {two}"


@rule
def intervals(s: Subject) -> Iterator[str]:
    """VIS-004, VIS-006, END-001, END-002, MEA-018, MEA-029."""
    good = [r for r in s.responses if r["Overall Response"] != "NE"]
    days = [as_day(r["Assessment Date"]) for r in good if s.pd is None or as_day(r["Assessment Date"]) <= s.pd]
    for one, two in pairwise(days):
        if s.surg is not None and one < s.surg <= two:
            continue
        if s.is_a:
            limit = 63 if two <= shift(s.d1, 98) else 70 if shift(one, 49) < shift(s.enrol, 548) else 98
        else:
            limit = 112
        if (two - one).days > limit:
            yield f"VIS-004 {one} {two} {(two - one).days}"
    if s.is_a:
        window = (shift(s.infused[0], 35), shift(s.infused[0], 49))
        if window[1] < s.horizon and not any(window[0] <= d <= window[1] for d in days):
            yield "VIS-006/END-001"
    if not good and not s.death and (shift(s.d1, 84) <= s.cutoff or s.horizon < s.cutoff):
        yield "END-002"
    for one, two in pairwise(s.responses):
        crossed = s.surg is not None and as_day(one["Assessment Date"]) < s.surg <= as_day(two["Assessment Date"])
        worse = {"PD": ("CR", "PR", "SD"), "CR": ("PR", "SD")}.get(str(one["Overall Response"]), ())
        if two["Overall Response"] in worse and not crossed:
            yield "MEA-018"
    for row in s.responses:
        scans = s.scan_days(str(row["Visit"]))
        pick = min if row["Overall Response"] == "PD" else max
        if pick(scans) != row["Assessment Date"]:
            yield f"MEA-029 {row['Visit']}"


@rule
def responses(s: Subject) -> Iterator[str]:
    """MEA-007, MEA-008, MEA-012, MEA-014 to MEA-017, MEA-025 by a second plain reading."""
    gone = str(s.operation["Resected Lesions"]).split("; ") if s.operation else []
    targets, others = in_time(s, "Target Lesions"), in_time(s, "Non-target Lesions")
    given = {str(r["Visit"]): r for r in s.responses}
    sums: list[Decimal] = []
    for visit, rows in targets.items():
        day = max(as_day(r["Assessment Date"]) for r in rows)
        after = s.surg is not None and day > s.surg
        values = {str(r["Lesion ID"]): entered(s, r) for r in rows if not after or r["Lesion ID"] not in gone}
        if after and any(entered(s, r) is not None for r in rows if r["Lesion ID"] in gone):
            yield f"MEA-025 {visit}"
        if visit == "SCREENING" or (after and visit == "POST-OP DAY 30" and values):
            sums = [sum((v or Decimal(0) for v in values.values()), Decimal(0))]
            if (visit in given) or None in values.values():
                yield f"baseline {visit}"
            continue
        row = given.get(visit)
        if row is None:
            yield f"no response at {visit}"
            continue
        statuses = [str(r["Status"]) for r in others.get(visit, []) if not after or r["Lesion ID"] not in gone]
        nodes = {str(r["Lesion ID"]) for r in rows if r["Lymph Node"] == "Y"}
        target, now = _target(s, values, nodes, sums)
        yield from _compare(s, row, visit, target, now, sums, statuses)
        if now is not None:
            sums.append(now)


def _target(
    s: Subject, values: dict[str, Decimal | None], nodes: set[str], sums: list[Decimal]
) -> tuple[str | None, Decimal | None]:
    if not values:
        return None, None
    known = [v for v in values.values() if v is not None]
    part, nadir, base = sum(known, Decimal(0)), min(sums), sums[0]
    grown = part >= Decimal("1.2") * nadir and part > nadir and (not s.is_a or part - nadir >= 5)
    if len(known) < len(values):
        return ("PD" if grown else "NE"), None
    if all(v < 10 if k in nodes else v == 0 for k, v in values.items() if v is not None):
        return "CR", part
    return ("PD" if grown else "PR" if part <= Decimal("0.7") * base else "SD"), part


def _compare(
    s: Subject, row: Row, visit: str, target: str | None, now: Decimal | None, sums: list[Decimal], statuses: list[str]
) -> Iterator[str]:
    if row["Target Response"] != target:
        yield f"MEA-014 {visit} target {row['Target Response']} derived {target}"
    worst = (
        None if not statuses else "PD" if "Unequivocal progression" in statuses
        else "CR" if set(statuses) == {"Absent"} else "NE" if "Not evaluable" in statuses else "Non-CR/Non-PD"
    )  # fmt: skip
    if row["Non-target Response"] != worst:
        yield f"MEA-014 {visit} non-target {row['Non-target Response']} derived {worst}"
    certain = [r for r in s.sheets["New Lesions"] if r["Visit"] == visit and r["Certainty"] == "Unequivocal"]
    if (row["New Lesion"] == "Y") != bool(certain):
        yield f"MEA-016 {visit}"
    if certain or "PD" in (target, worst):
        overall = "PD"
    elif target is None:
        overall = worst or "NED"
    else:
        overall = "PR" if target == "CR" and worst not in (None, "CR") else target
    if row["Overall Response"] != overall:
        yield f"MEA-015 {visit} {row['Overall Response']} derived {overall}"
    written = row["Sum of Diameters"]
    if (written is None) != (now is None) or (now is not None and Decimal(str(written)) != now):
        yield f"MEA-007 {visit} {written} derived {now}"
    for header, against in (
        ("Percent from Baseline", sums[0] if sums else None),
        ("Percent from Nadir", min(sums, default=None)),
    ):
        if now is None or not against:
            if row[header] is not None:
                yield f"MEA-012 {visit} {header}"
        elif abs(Decimal(str(row[header])) - 100 * (now - against) / against) > Decimal("0.01"):
            yield f"MEA-012 {visit} {header}"


@rule
def thrombus(s: Subject) -> Iterator[str]:
    """MEA-021, MEA-022, END-010."""
    if s.is_a:
        return
    order = ["NONE", "I", "II", "III", "IV"]
    base = order.index(str(s.demo["PVTT Class"]).rstrip("ab"))
    for row in s.responses:
        before = s.surg is None or as_day(row["Assessment Date"]) < s.surg
        if (row["PVTT Class"] is None) == before:
            yield f"PVTT class at {row['Visit']}"
        if not before:
            continue
        step = order.index(str(row["PVTT Class"]).rstrip("ab")) - base
        if row["Flow Restored"] is None:
            yield "END-010"
        if (
            abs(step) > 1
            or (row["PVTT Class"] == "NONE" and row["Flow Restored"] != "Y")
            or (step > 0 and row["Flow Restored"] == "Y")
        ):
            yield "MEA-021"
        clot = "PD" if step > 0 else "PR" if step < 0 or row["Flow Restored"] == "Y" else "SD"
        liver = [
            r["Status"] for r in s.sheets["Non-target Lesions"] if r["Visit"] == row["Visit"] and r["Organ"] == "Liver"
        ]
        primary = row["Target Response"]
        if row["New Lesion"] == "Y" or "Unequivocal progression" in liver:
            primary = "PD"
        elif primary == "CR" and liver and set(liver) != {"Absent"}:
            primary = "PR"
        matrix = {"CR": "PR PR PD", "PR": "PR PR PD", "SD": "PR SD PD", "PD": "PD PD PD"}
        composite = matrix[str(primary)].split()[["PR", "SD", "PD"].index(clot)]
        if row["PVTT Response"] != clot or row["Composite Response"] != composite:
            yield f"MEA-022 {row['Composite Response']} derived {composite}"
