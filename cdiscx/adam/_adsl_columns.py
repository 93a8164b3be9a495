"""The variables of ADSL: labels, types, origins and methods, as the study's switches make them."""

from __future__ import annotations

from cdiscx.adam._baseline import is_number
from cdiscx.adam._context import Context
from cdiscx.adam._finish import DATE_FLAG, NY, Column
from cdiscx.adam._life import LIFE_METHOD, LIFE_SOURCES
from cdiscx.adam._milestones import last_dose_sources
from cdiscx.adam._words import sources, where
from cdiscx.model.spec import Records

_STATUS = "C124296"


def columns(ctx: Context) -> tuple[Column, ...]:
    """Every variable of ADSL for this study, in order."""
    month3 = _month3(ctx) if "M3DEC" in ctx.study.endpoints else ()
    return (
        *_demographics(), *_populations(ctx), *_dates(ctx), *_life(ctx), *_ends(), *month3, *_surgery(ctx), *_baseline(ctx)
    )  # fmt: skip


def _demographics() -> tuple[Column, ...]:
    return (
        Column("STUDYID", "Study Identifier", of=("DM.STUDYID",), core="Req"),
        Column("USUBJID", "Unique Subject Identifier", of=("DM.USUBJID",), core="Req"),
        Column("SUBJID", "Subject Identifier for the Study", of=("DM.SUBJID",), core="Req"),
        Column("SITEID", "Study Site Identifier", of=("DM.SITEID",), core="Req"),
        Column("AGE", "Age", "integer", of=("DM.AGE",), core="Req"),
        Column("AGEU", "Age Units", of=("DM.AGEU",), codelist="C66781", core="Req"),
        Column("SEX", "Sex", of=("DM.SEX",), codelist="C66731", core="Req"),
        Column("RACE", "Race", of=("DM.RACE",), codelist="C74457", core="Req"),
        Column("ETHNIC", "Ethnicity", of=("DM.ETHNIC",), codelist="C66790", core="Perm"),
        Column("COUNTRY", "Country", of=("DM.COUNTRY",), core="Perm"),
        Column("ARM", "Description of Planned Arm", of=("DM.ARM",), core="Req"),
        Column("ACTARM", "Description of Actual Arm", of=("DM.ACTARM",), core="Perm"),
        Column("TRT01P", "Planned Treatment for Period 01", of=("DM.ARM",), core="Req"),
        Column(
            "TRT01A", "Actual Treatment for Period 01", of=("DM.ACTARM", "DM.ARM"), core="Cond",
            method="DM.ACTARM (DM.ARM where it is not given) of subjects with SAFFL = Y.",
        ),
    )  # fmt: skip


def _populations(ctx: Context) -> tuple[Column, ...]:
    facts = ctx.study.analysis
    exposed = tuple(
        Column(flag, e.label, codelist=NY, of=("EX.EXTRT",), method=f"Y if any exposure to {where(e.drugs)}; otherwise N.")
        for flag, e in facts.exposed.items()
    )  # fmt: skip
    return (
        Column(
            "ENRLFL", "Enrolled Population Flag", codelist=NY, of=("DS.DSSTDTC", "DM.RFICDTC"), core="Cond",
            method="Y if ENRLDT is known; otherwise N.",
        ),
        Column(
            "SAFFL", "Safety Population Flag", codelist=NY, of=_of(facts.treatment, "STDTC"), core="Cond",
            method=f"Y if any protocol treatment: {sources(facts.treatment)}; otherwise N.",
        ),
        Column(
            "FASFL", "Full Analysis Set Population Flag", codelist=NY, of=("ADSL.ENRLFL", "ADSL.SAFFL"), core="Cond",
            method="Y if ENRLFL = Y and SAFFL = Y; otherwise N.",
        ),
        *exposed,
        Column(
            "EVALFL", "Response Evaluable Population Flag", codelist=NY, of=("TU.TUSTRESC", "RS.RSSTRESC"),
            method="Y if a target lesion was recorded on or before TRTSDT and an overall response other than NE after it.",
        ),
        Column(
            "RESFL", "Resected Population Flag", codelist=NY, of=_of(facts.surgery, "STDTC"),
            method=f"Y if the index operation was done: {sources(facts.surgery)}; otherwise N.",
        ),
        Column(
            "PATFL", "Pathology Evaluable Population Flag", codelist=NY, of=("MI.MISTRESN",),
            method="Y if RESFL = Y and the percentage of viable tumour in the specimen is known; otherwise N.",
        ),
    )  # fmt: skip


def _dates(ctx: Context) -> tuple[Column, ...]:
    facts = ctx.study.analysis
    first = tuple(
        Column(
            e.first, e.first_label, "date", of=("EX.EXSTDTC",),
            method=f"Earliest complete EXSTDTC of {where(e.drugs)}. Never imputed.",
        )
        for e in facts.exposed.values()
    )  # fmt: skip
    dose = last_dose_sources(ctx)
    return (
        Column("CUTDT", "Data Cut-off Date", "date", comment="Date given to the run; later records are not used."),
        Column(
            "RFICDT", "Date of Informed Consent", "date", of=("DM.RFICDTC", "DS.DSSTDTC"),
            method="DM.RFICDTC, else DS milestone INFORMED CONSENT OBTAINED. Never imputed.",
        ),
        Column(
            "ENRLDT", "Date of Enrollment", "date", of=("DS.DSSTDTC", "DM.RFICDTC"),
            method="DS milestone ENTERED INTO TRIAL, else RANDOMIZED, else ELIGIBILITY CRITERIA MET, else informed consent "
            "of a subject who was not a screen failure. Never imputed.",
        ),
        Column(
            "DIAGDT", "Date of Initial Diagnosis", "date", of=_of(facts.diagnosis, "STDTC"),
            method=f"Earliest diagnosis: {sources(facts.diagnosis)}. Missing day: 15th; missing month: 1 July; not after RFICDT.",
        ),
        _date_flag("DIAGDTF", "Date of Diagnosis Imputation Flag", "DIAGDT"),
        Column(
            "TRTSDT", "Date of First Exposure to Treatment", "date", of=_of(facts.treatment, "STDTC"), core="Cond",
            method=f"Earliest date of protocol treatment: {sources(facts.treatment)}. Never imputed.",
        ),
        Column(
            "TRTEDT", "Date of Last Exposure to Treatment", "date", of=_of(facts.treatment, "ENDTC"), core="Cond",
            method=f"Latest date of protocol treatment: {sources(facts.treatment)}; the operation is not among it. An interval "
            "collected as ongoing ends at the cut-off or at death. Never imputed.",
        ),
        Column(
            "LDOSEDT", "Date of Last Systemic Dose or Fraction", "date", of=_of(dose, "ENDTC"),
            method=f"Latest date of {sources(dose)}, drugs given with a local procedure left out; TRTEDT where there is none. "
            "The treatment-emergent window counts from it.",
        ),
        Column(
            "TRTDURD", "Total Treatment Duration (Days)", "integer", of=("ADSL.TRTSDT", "ADSL.TRTEDT"),
            method="TRTEDT - TRTSDT + 1.",
        ),
        *first,
        Column(
            "RTSDT", "Date of First Radiotherapy Fraction", "date", of=_of(facts.radiotherapy, "STDTC"),
            method=f"Earliest date of {sources(facts.radiotherapy)}. Never imputed.",
        ),
        Column(
            "RTEDT", "Date of Last Radiotherapy Fraction", "date", of=_of(facts.radiotherapy, "ENDTC"),
            method=f"Latest date of {sources(facts.radiotherapy)}. Never imputed.",
        ),
        Column(
            "NACTDT", "Start Date of New Anti-Cancer Therapy", "date", of=_of(facts.new_therapy, "STDTC"),
            method=f"Earliest start on or after TRTSDT of {sources(facts.new_therapy)}. Missing day: first of the month, not "
            "before TRTSDT; a missing month is not imputed.",
        ),
        _date_flag("NACTDTF", "New Therapy Date Imputation Flag", "NACTDT"),
    )  # fmt: skip


def _date_flag(name: str, label: str, date: str) -> Column:
    return Column(name, label, of=(f"ADSL.{date}",), codelist=DATE_FLAG, core="Cond",
                  method=f"D if the day of {date} was imputed, M if month and day were; null if it is as collected.")  # fmt: skip


def _life(ctx: Context) -> tuple[Column, ...]:
    return (
        Column(
            "DTHFL", "Subject Death Flag", codelist=NY, of=("DM.DTHFL", "DM.DTHDTC", "DS.DSDECOD", "SS.SSSTRESC"),
            method="Y if the subject died on or before CUTDT (DM, else disposition DEATH, else contact with status DEAD).",
        ),
        Column(
            "DTHDT", "Date of Death", "date", of=("DM.DTHDTC", "DS.DSSTDTC"),
            method="DM.DTHDTC, else DS.DSSTDTC of DEATH. Missing day: the later of the first of the month and LSTALVDT + 1; "
            "missing month: the later of 1 January and LSTALVDT + 1; within the collected month or year, not after CUTDT.",
        ),
        _date_flag("DTHDTF", "Date of Death Imputation Flag", "DTHDT"),
        Column(
            "DTHCAUS", "Cause of Death", of=("DD.DDSTRESC",),
            method="DD.DDSTRESC where DDTESTCD = PRCDTH, for subjects with DTHFL = Y.",
        ),
        Column("LSTALVDT", "Date Last Known Alive", "date", of=LIFE_SOURCES, method=LIFE_METHOD),
        Column(
            "LSTALVSR", "Source of Date Last Known Alive", of=LIFE_SOURCES,
            method="Domain and variable that LSTALVDT was taken from.",
        ),
        Column(
            "FUPMO", "Follow-up Time (Months)", "float", of=("ADSL.DTHDT", "ADSL.LSTALVDT", "ADSL.TRTSDT"),
            method=f"(DTHDT, else LSTALVDT, minus TRTSDT, plus 1) / {ctx.p('days_per_month', 30.4375)}.",
        ),
    )  # fmt: skip


def _ends() -> tuple[Column, ...]:
    return (
        Column(
            "EOSSTT", "End of Study Status", codelist=_STATUS, of=("DS.DSDECOD", "ADSL.DTHFL"),
            method="Enrolled subjects: COMPLETED or DISCONTINUED by the last disposition of study participation; DISCONTINUED "
            "if the subject died without one; otherwise ONGOING.",
        ),
        Column("EOSDT", "End of Study Date", "date", of=("DS.DSSTDTC", "ADSL.DTHDT"), method="Date of that disposition or death."),
        Column(
            "DCSREAS", "Reason for Discontinuation from Study", of=("DS.DSDECOD",),
            method="DSDECOD of that disposition unless COMPLETED; DEATH for a death without one.",
        ),
        Column(
            "EOTSTT", "End of Treatment Status", codelist=_STATUS, of=("DS.DSDECOD", "ADSL.EOSSTT"),
            method="Treated subjects: by the last treatment disposition once it names no drug or every systemic drug taken has "
            "one; with the study when that has ended; otherwise ONGOING.",
        ),
        Column("EOTDT", "End of Treatment Date", "date", of=("DS.DSSTDTC", "ADSL.EOSDT"), method="Date of that disposition."),
        Column(
            "DCTREAS", "Reason for Discontinuation of Treatment", of=("DS.DSDECOD", "ADSL.DCSREAS"),
            method="DSDECOD of that disposition unless COMPLETED.",
        ),
    )  # fmt: skip


def _month3(ctx: Context) -> tuple[Column, ...]:
    middle, around = int(ctx.p("month3_target_days", 91)), int(ctx.p("month3_window_days", 14))
    rule = f"Last overall response other than NE dated TRTSDT + {middle - around} to TRTSDT + {middle + around} and on or before the decision."
    return (
        Column("M3RESP", "Month-3 Overall Response", codelist="C96785", of=("RS.RSSTRESC",), method=rule),
        Column("M3DT", "Date of Month-3 Overall Response", "date", of=("RS.RSDTC",), method=f"Date of M3RESP. {rule}"),
        Column(
            "M3BRANCH", "Branch by Month-3 Response", of=("ADSL.M3RESP",),
            method="SURGERY for SD, PD and NON-CR/NON-PD; SYSTEMIC for CR and PR; UNKNOWN without a response.",
        ),
    )  # fmt: skip


def _surgery(ctx: Context) -> tuple[Column, ...]:
    facts = ctx.study.analysis
    return (
        Column(
            "SURGDT", "Date of Index Surgery", "date", of=_of(facts.surgery, "STDTC"),
            method=f"Earliest date of {sources(facts.surgery)}. Never imputed.",
        ),
        Column(
            "DISCHDT", "Date of Discharge After Index Surgery", "date", of=("HO.HOENDTC",),
            method="End of the hospital stay that contains SURGDT; stays at most "
            f"{int(ctx.p('stay_join_days', 1))} day apart are one stay.",
        ),
        Column(
            "RSTAT", "Residual Tumor Status", of=_of(facts.r_status, "STRESC"),
            method="Worst of the values recorded for resected subjects, from R0 over RX and R1 to R2.",
        ),
        Column(
            "VIABPCT", "Viable Tumor in Specimen (%)", "float", of=("MI.MISTRESN",),
            method="Pathologist's overall value; else the only nodule's; else sum(percent x diameter) / sum(diameter).",
        ),
    )  # fmt: skip


def _baseline(ctx: Context) -> tuple[Column, ...]:
    return tuple(
        Column(
            name,
            spec.label,
            "float" if is_number(spec) else "text",
            of=(f"{spec.of}.{spec.value}",),
            method=f"Last non-missing value dated on or before TRTSDT: {sources((Records(of=spec.of, where=spec.where),))}.",
        )
        for name, spec in ctx.study.analysis.baseline.items()
    )


def _of(records: tuple[Records, ...], suffix: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{r.of}.{r.of[:2]}{suffix}" for r in records))
