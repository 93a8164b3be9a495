"""The catalogue's visit and dosing rules over sample rows (see `sample_audit`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from sample_audit import Subject, as_day, rule, shift


def windows(s: Subject) -> dict[str, tuple[date, date]]:
    """Visit -> first and last allowed day, for the visits that the subject's branch has."""
    d1, surg = s.d1, s.surg
    out = {"SCREENING": (shift(d1, -28), shift(d1, -1)), "DAY 1": (d1, d1)}
    first = s.infused[0]
    around = lambda day, n: (shift(day, -n), shift(day, n))  # noqa: E731
    if s.is_a:
        out["WEEK 3"] = around(shift(d1, 21), 3)
        out["WEEK 4"], out["WEEK 8"] = around(shift(first, 28), 3), around(shift(first, 56), 3)
        out["WEEK 6 TUMOR ASSESSMENT"] = around(shift(first, 42), 7)
        out["MONTH 3 DECISION"] = around(shift(d1, 91), 7)
    else:
        assert s.rt_end is not None
        out["WEEK 2"], out["WEEK 4"] = around(shift(first, 14), 3), around(shift(d1, 28), 3)
        out["END OF RADIOTHERAPY"] = (s.rt_end, shift(s.rt_end, 3))
        out["RESTAGING"] = around(shift(s.rt_end, 28), 7)
    if surg is not None and s.operation is not None:
        out["PRE-OPERATIVE"], out["SURGERY"] = (shift(surg, -7), shift(surg, -1)), (surg, surg)
        out["POST-OP DAY 30"] = around(shift(surg, 30), 5)
        if not s.is_a:
            out["POST-OP DAY 90"] = around(shift(surg, 90), 7)
            if s.operation["Discharge Date"]:
                leaves = as_day(s.operation["Discharge Date"])
                out["DISCHARGE"] = (leaves, leaves)
    if s.treatment_end is not None:
        out["END OF TREATMENT"] = around(shift(s.last_dose, 30), 7)
        anchor = max(s.last_dose, surg or s.last_dose)
        out |= {f"SURVIVAL FOLLOW-UP {n}": around(shift(anchor, 84 * n), 14) for n in range(1, 15)}
    return out | _assessment_windows(s)


def _assessment_windows(s: Subject) -> dict[str, tuple[date, date]]:
    out, number = {}, 1
    if s.is_a:
        day = shift(s.surg, 30) if s.surg else shift(s.d1, 91)
        while True:
            following = shift(day, 56)
            day = following if following < shift(s.enrol, 548) else shift(day, 84)
            if day > shift(s.cutoff, 10):
                return out
            out[f"TUMOR ASSESSMENT {number}"] = (shift(day, -7), shift(day, 7))
            number += 1
    assert s.rt_end is not None
    anchor = shift(s.surg, 30) if s.surg else shift(s.rt_end, 28)
    while (day := shift(anchor, 84 * number)) <= shift(s.cutoff, 20):
        out[f"TUMOR ASSESSMENT {number}"] = (shift(day, -14), shift(day, 14))
        number += 1
    return out


@rule
def visits(s: Subject) -> Iterator[str]:
    """VIS-001, VIS-002, VIS-003."""
    expected = windows(s)
    for name, (low, high) in expected.items():
        row = s.visits.get(name)
        over = s.pd is not None and name.startswith("TUMOR ASSESSMENT") and low > s.pd
        if row is None:
            if high < s.horizon and not over:
                yield f"VIS-002 {name} {low} {high}"
        elif row["Visit Done"] == "Y" and not low <= as_day(row["Visit Date"]) <= high:
            yield f"VIS-001 {name} {row['Visit Date']} not in {low} {high}"
    for name, row in s.visits.items():
        if row["Visit Done"] == "N" and (row["Visit Date"] is not None or not row["Reason Not Done"]):
            yield f"VIS-002 {name} not done without reason"
        if name not in expected and not name.startswith(("UNSCHEDULED", "CONTINUATION", "ADJUVANT", "SURGERY")):
            yield f"visit name {name}"
    if not s.surg and not s.is_a and "SURGERY" not in s.visits and shift(s.d1, 70) < s.cutoff:
        yield "B-DEC-3 no reason for no surgery"
    yield from _order(s)


def _order(s: Subject) -> Iterator[str]:
    main = ("SCREENING|DAY 1|WEEK 3|WEEK 4|WEEK 6 TUMOR ASSESSMENT|WEEK 8|MONTH 3 DECISION" if s.is_a else
            "SCREENING|DAY 1|WEEK 2|RESTAGING") + "|PRE-OPERATIVE|SURGERY|DISCHARGE|POST-OP DAY 30|POST-OP DAY 90"  # fmt: skip
    blocks = [[n for n in main.split("|") if n in s.visits]]
    for prefix in ("CONTINUATION CYCLE", "ADJUVANT CYCLE", "TUMOR ASSESSMENT", "SURVIVAL FOLLOW-UP"):
        numbered = [n for n in s.visits if n.startswith(prefix)]
        if sorted(int(n.split()[-1]) for n in numbered) != list(range(1, len(numbered) + 1)):
            yield f"VIS-003 {prefix} numbers {numbered}"
        blocks.append(sorted(numbered, key=lambda n: int(n.split()[-1])))
    for block in blocks:
        days = [as_day(s.visits[n]["Visit Date"]) for n in block if s.visits[n]["Visit Done"] == "Y"]
        if days != sorted(days):
            yield f"VIS-003 {block}"


@rule
def cycles(s: Subject) -> Iterator[str]:
    """VIS-002 and ruling 18: each infusion from the branch point on has a cycle visit on its day."""
    name = "CONTINUATION CYCLE" if s.is_a else "ADJUVANT CYCLE"
    visited = {as_day(r["Visit Date"]) for n, r in s.visits.items() if n.startswith(name)}
    if s.is_a:
        decided = [as_day(r["Decision Date"]) for r in s.sheets["Decision"]]
        after = [d for d in s.infused if decided and d >= (s.surg or decided[0])]
    else:
        restaged = s.visits.get("RESTAGING")
        start = s.surg or (as_day(restaged["Visit Date"]) if restaged else s.cutoff)
        after = [d for d in s.infused if d > start]
    if visited != set(after):
        yield f"VIS-002 cycles {sorted(visited ^ set(after))}"
    step = 28 if s.is_a else 14
    until = min(s.horizon, s.treatment_end or s.horizon)
    awaiting = (s.surg is not None and s.infused[-1] < s.surg) or (s.is_a and not s.surg and any(
        r["Branch"] == "Surgery" for r in s.sheets["Decision"]))  # fmt: skip
    if shift(s.infused[-1], step + 3) < until and not awaiting and (s.is_a or s.surg or after):
        yield f"VIS-002 next cycle after {s.infused[-1]} before {until}"


@rule
def infusions(s: Subject) -> Iterator[str]:
    """DOS-001, DOS-004, DOS-007, DOS-010, DOS-014, DOS-017 for the infusions."""
    step, hold = (28, 7) if s.is_a else (14, 14)
    for one, two in pairwise(s.infused):
        if s.surg is not None and one < s.surg <= two:
            if (s.surg - one).days < hold:
                yield f"DOS-007 infusion {one} surgery {s.surg}"
            if not (21 if s.is_a else 28) <= (two - s.surg).days <= (42 if s.is_a else 56):
                yield f"DOS-017 infusion {two} surgery {s.surg}"
        elif abs((two - one).days - step) > 3:
            yield f"DOS-001/004 {(two - one).days} days"
    if s.infused[0] > shift(s.d1, 14 if s.is_a else 7):
        yield "DOS-014 first infusion late"
    for row in s.sheets["Dosing"]:
        if not float(str(row["Dose"])) > 0:
            yield "DOS-010"
        if row["Drug"] in ("Durvalumab", "Camrelizumab") and row["Dose"] != (1500 if s.is_a else 200):
            yield "DOS-001/004 dose"


@rule
def tablets(s: Subject) -> Iterator[str]:
    """DOS-002, DOS-003, DOS-005, DOS-006, DOS-007, DOS-016, DOS-017 for the tablets."""
    rows = s.tablets
    before = [r for r in s.sheets["Visits"] if r["Weight"] and as_day(r["Visit Date"]) <= as_day(rows[0]["Start Date"])]
    weight = float(str(max(before, key=lambda r: as_day(r["Visit Date"]))["Weight"]))
    if rows[0]["Dose"] != ((12 if weight >= 60 else 8) if s.is_a else 250):
        yield f"DOS-002 {weight} {rows[0]['Dose']}"
    if as_day(rows[0]["Start Date"]) > shift(s.d1, 7):
        yield "DOS-014 tablets late"
    ladder = [(12, "QD"), (8, "QD"), (4, "QD"), (4, "QOD")] if s.is_a else [(250, "QD"), (250, "QOD")]
    for one, two in pairwise(rows):
        if one["End Date"] is None:
            yield "DOS-005 open interval followed by another"
            continue
        gap = (as_day(two["Start Date"]) - as_day(one["End Date"])).days - 1
        spans = s.surg is not None and as_day(one["End Date"]) < s.surg <= as_day(two["Start Date"])
        if gap < 0:
            yield "DOS-006 overlap"
        if gap > 0 and one["Dose Changed"] != "Interrupted":
            yield "DOS-015 gap without interruption"
        if gap > 28 and not spans:
            yield f"DOS-005 gap {gap}"
        down = ladder.index((two["Dose"], two["Frequency"])) - ladder.index((one["Dose"], one["Frequency"]))
        if down not in (0, 1) or (down == 1) != (two["Dose Changed"] == "Reduced"):
            yield f"DOS-003 step {down}"
        if spans and s.surg is not None:
            if (s.surg - as_day(one["End Date"])).days < 7:
                yield "DOS-007 tablets"
            if not (14 if s.is_a else 28) <= (as_day(two["Start Date"]) - s.surg).days <= (42 if s.is_a else 56):
                yield "DOS-017 tablets"
    for row in rows:
        if (row["End Date"] is None) != (row["Ongoing"] == "Y"):
            yield "DOS-005 ongoing flag"
        if row["Dose Changed"] != "None" and not row["Change Reason"]:
            yield "DOS-015 change without reason"
        if s.surg and as_day(row["Start Date"]) < s.surg <= as_day(row["End Date"] or s.cutoff):
            yield "DOS-007 tablets across surgery"
    yield from _intensity(s)


def _intensity(s: Subject) -> Iterator[str]:
    given = planned = 0.0
    for row in s.tablets:
        days = (as_day(row["End Date"] or s.cutoff) - as_day(row["Start Date"])).days + 1
        given += days * float(str(row["Dose"])) * (0.5 if row["Frequency"] == "QOD" else 1)
    span = (as_day(s.tablets[-1]["End Date"] or s.cutoff) - as_day(s.tablets[0]["Start Date"])).days + 1
    planned = span * float(str(s.tablets[0]["Dose"]))
    if not 0.3 <= given / planned <= 1.1:
        yield f"DOS-016 tablets {given / planned:.2f}"
    step = 28 if s.is_a else 14
    infusion = len(s.infused) * step / ((s.infused[-1] - s.infused[0]).days + step)
    if not 0.3 <= infusion <= 1.1:
        yield f"DOS-016 infusions {infusion:.2f}"


@rule
def local(s: Subject) -> Iterator[str]:
    """DOS-011, DOS-012, DOS-013, DOS-014."""
    kinds = {r["Procedure"] for r in s.local}
    days = [as_day(r["Start Date"]) for r in s.local]
    if len(kinds) != 1 or days[0] > shift(s.d1, 28):
        yield f"DOS-013 {kinds}"
    if not s.is_a:
        row = s.local[0]
        total, fractions = float(str(row["Total Dose"])), int(str(row["Fractions"]))
        if total != 3 * fractions or (fractions != 10 and not row["Reason"]):
            yield "DOS-011"
        if (as_day(row["End Date"]) - days[0]).days + 1 > 2 * fractions + 7:
            yield "DOS-012"
        return
    for (one, two), row in zip(pairwise(days), s.local[1:], strict=True):
        gap = (two - one).days
        if ("TACE" in kinds and gap < 21) or "Y90-SIRT" in kinds:
            yield f"DOS-013 {kinds} {gap}"
        if "HAIC" in kinds and (gap < 17 or gap > 35 or (gap > 25 and not row["Reason"])):
            yield f"DOS-013 HAIC {gap}"
    for row in s.local:
        if row["Procedure"] == "Y90-SIRT" and (not row["Total Dose"] or row["Dose Unit"] != "GBq"):
            yield "DOS-010 SIRT without activity"
    if "HAIC" in kinds and len(s.drug("Oxaliplatin")) != len(days):
        yield "HAIC drugs and sessions differ"
