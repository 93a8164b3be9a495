"""The conventions of a derivation run in sentences, for the document and the notes of define.xml (section 10)."""

from __future__ import annotations

import datetime as dt

from cdiscx.model.spec import Study

_IMPUTATION = (
    "Dates are imputed in ADaM only; the imputation flag is D (day) or M (month and day). Never imputed: dose, scan, surgery, "
    "consent; dates that are missing altogether.",
    "Diagnosis, history, prior therapy: missing day 15th, missing month 1 July; diagnosis not after consent.",
    "Death: missing day the later of the first of the month and LSTALVDT + 1, missing month the later of 1 January and "
    "LSTALVDT + 1; within the collected month or year and not after the cut-off.",
    "Adverse event start: TRTSDT in its month (or year), else the first of the month (1 January); not after the collected end. "
    "End: last of the month (31 December); not after death or cut-off.",
    "New anti-cancer therapy: missing day first of the month, not before TRTSDT; a missing month is not imputed.",
)
#: switches of the study file that change a derivation, with what they decide
_SWITCHES = (
    ("last_followup_is", "whether last follow-up is a censoring or, in separate parameters only, an event"),
    ("missed_assessment_rule", "what an event after missed assessments is"),
    ("efs_censor_date", "where subjects without an event are censored"),
    ("efs_uses_composite_pd", "whether progression of the thrombus alone is an event"),
    ("dfs_population", "who has a disease-free survival"),
    ("no_surgery_is_efs_event", "whether not being operated is an event"),
    ("response_source", "which responses endpoints rest on"),
    ("readmission_from", "where the window of readmission begins"),
)
_WINDOWS = (
    ("teae_days", "treatment-emergent: days after the last dose"),
    ("teae_serious_days", "the same for serious and immune-mediated events"),
    ("complication_days", "surgical complications: days after surgery"),
    ("mortality_days", "post-operative death: days after surgery, inclusive"),
    ("reoperation_days", "reoperation: days after surgery"),
    ("readmission_days", "readmission: days after discharge"),
)


def conventions(study: Study, cutoff: dt.date) -> tuple[str, ...]:
    """Sentences: cut-off, day counts, imputation, switches and windows as they stand in the study file."""
    given = study.parameters
    switches = [f"{name} = {given[name]}: {what}." for name, what in _SWITCHES if name in given]
    windows = [f"{name} = {given[name]}: {what}." for name, what in _WINDOWS if name in given]
    return (
        f"Data cut-off {cutoff.isoformat()}: records that begin after it are not used, ends after it count as open, a death "
        "after it is not a death. An exposure that was collected as ongoing ends at the cut-off or at death.",
        "Relative days have no day 0. Durations count both ends. "
        f"A month has {given.get('days_per_month', 30.4375)} days; months are not rounded in the data.",
        "Baseline is the last non-missing value on or before the first protocol treatment of any kind.",
        *_IMPUTATION,
        *windows,
        *switches,
    )
