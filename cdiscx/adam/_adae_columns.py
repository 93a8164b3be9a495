"""The variables of ADAE: labels, types, origins and methods, as the study's windows and components make them."""

from __future__ import annotations

from cdiscx.adam._context import Context
from cdiscx.adam._finish import DATE_FLAG, NY, Column
from cdiscx.adam._related import actions, attribution

_TEXTS = {
    "AETERM": "Reported Term for the Adverse Event",
    "AEDECOD": "Dictionary-Derived Term",
    "AEBODSYS": "Body System or Organ Class",
    "AESOC": "Primary System Organ Class",
    "AESTDTC": "Start Date/Time of Adverse Event",
    "AEENDTC": "End Date/Time of Adverse Event",
    "AESER": "Serious Event",
    "AESDTH": "Results in Death",
    "AESLIFE": "Is Life Threatening",
    "AESHOSP": "Requires or Prolongs Hospitalization",
    "AEACN": "Action Taken with Study Treatment",
    "AEREL": "Causality",
    "AEOUT": "Outcome of Adverse Event",
    "AETOXGR": "Standard Toxicity Grade",
    "AECDGR": "Clavien-Dindo Grade",
    "AESURGFL": "Surgical Complication Flag",
    "AEIMMFL": "Immune-Mediated Event Flag",
}
_LISTS = {"AESER": NY, "AESDTH": NY, "AESLIFE": NY, "AESHOSP": NY, "AEACN": "C66767", "AEOUT": "C66768",
          "AESURGFL": NY, "AEIMMFL": NY}  # fmt: skip
_QUALIFIERS = ("AECDGR", "AESURGFL", "AEIMMFL")
#: AE variables and qualifiers that ADAE copies
COPIED = tuple(_TEXTS)


def columns(ctx: Context) -> tuple[Column, ...]:
    """Every variable of ADAE for this study after identifiers and core."""
    copied = tuple(
        Column(
            name, label, of=(f"{'SUPPAE' if name in _QUALIFIERS else 'AE'}.{name}",), codelist=_LISTS.get(name), core="Perm"
        )
        for name, label in _TEXTS.items()
    )  # fmt: skip
    return (
        Column("AESEQ", "Sequence Number", "integer", of=("AE.AESEQ",), core="Perm"),
        *copied,
        *_dates(),
        *_emergence(ctx),
        *_grades(),
        *_causes(ctx),
        *_occurrences(),
    )


def _dates() -> tuple[Column, ...]:
    return (
        Column(
            "ASTDT", "Analysis Start Date", "date", of=("AE.AESTDTC",), core="Cond",
            method="AESTDTC. Missing day: TRTSDT in the month of TRTSDT, else the first of the month; missing month: TRTSDT in "
            "the year of TRTSDT, else 1 January; not after the collected end. A missing start is not imputed.",
        ),
        _date_flag("ASTDTF", "Analysis Start Date Imputation Flag", "ASTDT"),
        Column(
            "ASTDY", "Analysis Start Relative Day", "integer", of=("ADSL.TRTSDT",), core="Cond",
            method="ASTDT - TRTSDT + 1 from TRTSDT on, otherwise ASTDT - TRTSDT; there is no day 0.",
        ),
        Column(
            "AENDT", "Analysis End Date", "date", of=("AE.AEENDTC",), core="Cond",
            method="AEENDTC on or before the cut-off. Missing day: last of the month; missing month: 31 December; not after "
            "death or cut-off.",
        ),
        _date_flag("AENDTF", "Analysis End Date Imputation Flag", "AENDT"),
        Column(
            "AENDY", "Analysis End Relative Day", "integer", of=("ADSL.TRTSDT",), core="Cond",
            method="AENDT - TRTSDT + 1 from TRTSDT on, otherwise AENDT - TRTSDT; there is no day 0.",
        ),
        Column("ADURN", "Analysis Duration (N)", "float", of=("AE.AESTDTC", "AE.AEENDTC"), core="Perm", method="AENDT - ASTDT + 1."),
        Column("ADURU", "Analysis Duration Units", of=("AE.AESTDTC", "AE.AEENDTC"), core="Cond", method="DAYS where ADURN is known."),
    )  # fmt: skip


def _date_flag(name: str, label: str, date: str) -> Column:
    source = "AE.AESTDTC" if date == "ASTDT" else "AE.AEENDTC"
    return Column(name, label, of=(source,), codelist=DATE_FLAG, core="Cond",
                  method=f"D if the day of {date} was imputed, M if month and day were; null if it is as collected.")  # fmt: skip


def _emergence(ctx: Context) -> tuple[Column, ...]:
    days, long = int(ctx.p("teae_days", 30)), int(ctx.p("teae_serious_days", 90))
    surgical = int(ctx.p("complication_days", 90))
    before = ctx.study.analysis.phase_before_surgery
    return (
        Column(
            "TRTEMFL", "Treatment Emergent Analysis Flag", codelist=NY, core="Cond",
            of=("AE.AESTDTC", "ADSL.TRTSDT", "ADSL.LDOSEDT", "ADSL.SURGDT"),
            method=f"Y if TRTSDT <= ASTDT <= LDOSEDT + {days} days (serious or immune-mediated: + {long} days; surgical "
            f"complication: to SURGDT + {surgical} days if that is later), or if an event from before treatment that goes on is "
            "recorded again from the same start with a higher grade.",
        ),
        Column(
            "APHASE", "Phase", of=("AE.AESTDTC", "ADSL.TRTSDT", "ADSL.SURGDT"),
            method=f"By ASTDT: PRE-TREATMENT before TRTSDT, {before} before SURGDT or without surgery, POST-OPERATIVE from SURGDT "
            f"to SURGDT + {surgical} days, then LATER.",
        ),
    )  # fmt: skip


def _grades() -> tuple[Column, ...]:
    return (
        Column("ATOXGR", "Analysis Toxicity Grade", of=("AE.AETOXGR",), core="Perm", method="AETOXGR (CTCAE v5.0); a missing grade is not imputed."),
        Column("ATOXGRN", "Analysis Toxicity Grade (N)", "integer", of=("AE.AETOXGR",), core="Perm", method="ATOXGR as a number."),
        Column(
            "ATOXSGRN", "Toxicity Grade, Sensitivity (N)", "integer", of=("AE.AETOXGR",),
            method="ATOXGRN, but 3 for a treatment-related event without grade.",
        ),
    )  # fmt: skip


def _causes(ctx: Context) -> tuple[Column, ...]:
    flags = attribution(ctx.study)
    labels = {c.arel: c.label for c in ctx.study.components.values() if c.arel}
    each = tuple(
        Column(
            flag, _short(f"Related to {labels[flag]}"), codelist=NY, of=(f"SUPPAE.{qualifier}", "AE.AEREL"),
            method=f"SUPPAE.{qualifier} as Y or N, else AEREL where that is one answer for all treatments.",
        )
        for flag, qualifier in flags.items()
    )  # fmt: skip
    told = ", ".join(("AEACN", *actions(ctx.study)))
    return (
        Column(
            "AREL", "Analysis Causality", codelist=NY, core="Perm", of=("AE.AEREL", *(f"SUPPAE.{q}" for q in flags.values())),
            method="Y if AEREL or the causality of any component is yes; N if none is and at least one is no.",
        ),
        *each,
        Column(
            "WITHDFL", "Led to Withdrawal of a Treatment Flag", codelist=NY, of=("AE.AEACN", *(f"SUPPAE.{a}" for a in actions(ctx.study))),
            method=f"Y if one of {told} is DRUG WITHDRAWN.",
        ),
        Column(
            "FATALFL", "Fatal Event Flag", codelist=NY, of=("AE.AEOUT", "AE.AESDTH"), method="Y if AEOUT is FATAL or AESDTH is Y.",
        ),
    )  # fmt: skip


def _short(label: str) -> str:
    """At most 40 characters, cut at a word, without a bracket that is not closed."""
    if len(label) <= 40:
        return label
    cut = label.partition(" (")[0]
    return cut if len(cut) <= 40 else cut[:40].rpartition(" ")[0]


def _occurrences() -> tuple[Column, ...]:
    rule = "record with TRTEMFL = Y in the order ASTDT, AESEQ"
    worst = "with the highest ATOXGRN in the order ASTDT, AESEQ among TRTEMFL = Y"
    of = ("AE.AESTDTC", "AE.AESEQ")
    graded = (*of, "AE.AETOXGR")
    return (
        Column("AOCCFL", "1st Occurrence within Subject Flag", codelist=NY, of=of, core="Perm", method=f"Y for the subject's first {rule}."),
        Column("AOCCSFL", "1st Occurrence of SOC Flag", codelist=NY, of=of, core="Perm", method=f"Y for the first {rule} within subject and SOC."),
        Column("AOCCPFL", "1st Occurrence of Preferred Term Flag", codelist=NY, of=of, core="Perm", method=f"Y for the first {rule} within subject, SOC and preferred term."),
        Column("AOCCIFL", "1st Max Sev./Int. Occurrence Flag", codelist=NY, of=graded, core="Perm", method=f"Y for the subject's first record {worst}."),
        Column("AOCCSIFL", "1st Max Sev./Int. Occur Within SOC Flag", codelist=NY, of=graded, core="Perm", method=f"Y for the first record {worst} within subject and SOC."),
        Column("AOCCPIFL", "1st Max Sev./Int. Occur Within PT Flag", codelist=NY, of=graded, core="Perm", method=f"Y for the first record {worst} within subject, SOC and preferred term."),
    )  # fmt: skip
