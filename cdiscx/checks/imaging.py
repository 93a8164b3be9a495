"""How lesions were imaged and read: measurable at all, same method, arterial phase, copied numbers (MEA-002, 011, 024, 027)."""

from __future__ import annotations

import polars as pl

from cdiscx.checks._lesion_sets import LESION, POINT, READER
from cdiscx.checks._shape import RELATED, nothing
from cdiscx.checks.measurements import enters, without_slips
from cdiscx.model.spec import Study
from cdiscx.registry import check
from cdiscx.standards.measurability import measurable
from cdiscx.views.timepoints import criterion_of

#: R11-M-8, MR-M-3: what cannot be measured, whatever number is given
_NEVER = r"(?i)EFFUSION|ASCIT|LEPTOMENING|LYMPHANGI|BLASTIC|DIFFUSE|INFILTRAT|积液|腹水|胸水|弥漫|浸润|成骨"
_THROMBUS = r"(?i)PVTT|THROMB|癌栓|血栓"


def _cells(rids: str, column: str) -> pl.Expr:
    """`_related` of one column from a list of row ids."""
    return pl.col(rids).list.eval(pl.struct(rid=pl.element().cast(pl.UInt32), column=pl.lit(column))).cast(RELATED)


@check(
    "MEA-002", on="readings", columns=("LDIAM",), needs=("targets.LDIAM", "unit_slips"),
    uses=("targets.SAXIS", "targets.VDIAM", "targets.SLTHICK", "targets.TUMETHOD", "targets.TULOC", "targets.TUNODAL"),
)  # fmt: skip
def not_measurable(study: Study, readings: pl.LazyFrame, unit_slips: pl.LazyFrame) -> pl.LazyFrame:
    """Target {LESID}: {X} mm at baseline, minimum {MIN} mm ({RULE}).{HINT}

    Why: a lesion below its minimum cannot be measured reliably; its changes are noise in the sum.
    Fix: Ask the site for the baseline number, or for the right slice thickness; a lesion that small is non-target.
    Rule: MEA-002; R11-M-1 to R11-M-11, MR-M-1 to MR-M-9; at the first baseline only; a wrong unit is MEA-005, a thrombus MEA-020
    """
    c = criterion_of(study)
    rows = readings.filter(
        pl.col("CLASS") == "TARGET", pl.col("ROLE") == "BASELINE", pl.col("PARENT").is_null(),
        pl.col("TRSTATUS").is_null() | ~pl.col("TRSTATUS").is_in(["NOT EVALUABLE", "MERGED"]),
    )  # fmt: skip
    if study.criterion is not None and study.criterion.pvtt:
        rows = rows.filter(
            ~((pl.col("ORGAN") == "PORTAL VEIN") | pl.col("TULOC").str.contains(_THROMBUS)).fill_null(False)
        )

    def read(column: str) -> pl.Expr:
        status = pl.col("TRSTATUS")
        stated = pl.when(status == "ABSENT").then(0.0).when(status == "TOO SMALL").then(c.too_small_mm)
        return pl.coalesce(column, stated)

    place = pl.concat_str("TUORGAN", "TULOC", separator=" ", ignore_nulls=True)
    verdict, least, rule = measurable(
        c, method=pl.col("TUMETHOD"), longest=read("LDIAM"), short_axis=read("SAXIS"), nodal=pl.col("NODAL"),
        slice_thickness=pl.col("SLTHICK"), porta=pl.col("PORTA"), hepatic=pl.col("LIVER"), viable=read("VDIAM"),
        never=place.str.contains(_NEVER).fill_null(False),
    )  # fmt: skip
    rows = without_slips(rows, unit_slips).with_columns(_yes=verdict, MIN=least, RULE=rule).filter(~pl.col("_yes"))
    course = readings.filter(pl.col("CLASS") == "TARGET").group_by(LESION).agg(MOST=pl.col("SIZE").max())
    rows = rows.join(course, on=LESION, how="left")
    by_viable = pl.col("RULE") == "MR-M-1"
    x = pl.when(by_viable).then(read("VDIAM")).when("NODAL").then(read("SAXIS")).otherwise(read("LDIAM"))
    thick = pl.col("RULE") == "R11-M-2"
    in_cm = (10 * pl.col("X") >= pl.col("MIN")) & (pl.col("MOST") >= 3 * pl.col("X"))
    slices = pl.lit(" Slices of ") + pl.col("SLTHICK").cast(pl.String).str.replace(r"\.0$", "") + pl.lit(" mm.")
    hint = pl.when(thick).then(slices).when(in_cm).then(pl.lit(" Was it typed in cm?")).otherwise(pl.lit(""))
    never = pl.lit("Target {LESID} ({PLACE}, {TUMETHOD}) cannot be measured ({RULE}).")
    return rows.with_columns(X=x).select(
        *LESION, "_rid", "VISIT", "X", "MIN", "RULE", "TUMETHOD", PLACE=place, HINT=hint, _table="TABLE", _column=enters(),
        _say=pl.when(pl.col("MIN").is_null()).then(never)
        .when(by_viable).then(pl.lit("Target {LESID}: viable part {X} mm at baseline, minimum {MIN} mm ({RULE}).{HINT}"))
        .when(pl.col("NODAL")).then(pl.lit("Target {LESID}, a node: short axis {X} mm at baseline, minimum {MIN} mm ({RULE}).{HINT}")),
        _expected=pl.when(pl.col("MIN").is_not_null()).then(pl.lit("at least {MIN} mm")),
        _related=pl.concat_list(pl.struct(
            rid=pl.col("_rid").cast(pl.UInt32),
            column=pl.when(by_viable).then(pl.lit("VDIAM")).when(thick).then(pl.lit("SLTHICK")).otherwise(pl.lit("TUMETHOD")),
        )).cast(RELATED),
    )  # fmt: skip


@check("MEA-002", on="readings", columns=("SLTHICK",), needs=("targets.SLTHICK",), uses=("targets.TUMETHOD",))
def slices_unknown(readings: pl.LazyFrame) -> pl.LazyFrame:
    """Baseline scan of {DAY} ({TUMETHOD}): slice thickness blank; whether {LESIONS} were measurable is not known for certain.

    Why: on slices thicker than 5 mm a lesion must be twice the slice to be measurable.
    Fix: Ask the site for the slice thickness.
    Rule: MEA-002; R11-M-2; once per scan
    """
    rows = readings.filter(
        pl.col("CLASS") == "TARGET", pl.col("ROLE") == "BASELINE", ~pl.col("NODAL"), pl.col("TRSTATUS") == "MEASURED",
        pl.col("TUMETHOD").is_in(["CT", "MRI"]),
    ).sort("_rid")  # fmt: skip
    scan = [*POINT, "DAY", "TUMETHOD"]
    scans = rows.group_by(scan, maintain_order=True).agg(
        LESIONS=pl.col("LESID").unique(maintain_order=True),
        _all=pl.col("_rid"),
        _known=pl.col("SLTHICK").is_not_null().any(),
    )
    return scans.filter(~pl.col("_known")).select(
        *scan, LESIONS=pl.col("LESIONS").list.join(", "), _rid=pl.col("_all").list.first(), _table=pl.lit("targets"),
        _severity=pl.lit("note"), _key=pl.lit("slices"), _related=_cells("_all", "SLTHICK"),
    )  # fmt: skip


@check("MEA-011", on="readings", columns=("TUMETHOD",), needs=("targets.TUMETHOD",), uses=("targets.LESID",))
def method_changed(readings: pl.LazyFrame) -> pl.LazyFrame:
    """{LESIONS}: {WAS} at baseline, {TUMETHOD} at {VISIT}; response may be not comparable.

    Why: CT and MRI draw a tumour's edge differently; a change of method can look like a change of size.
    Fix: Ask the site whether the method is right, and for a scan by the baseline method where there is one.
    Rule: MEA-011; R11-S-5; against the baseline of the segment; lesions of one scan are one finding, and so are visits in
    a row by one other method. Where two or more later visits agree on another method, the baseline is named
    Not checked: with and without contrast (one method in the layout).
    """
    rows = readings.filter(
        pl.col("CLASS") == "TARGET", pl.col("TUMETHOD").is_not_null(), ~pl.col("REMOVED"),
        pl.col("TRSTATUS").is_null() | (pl.col("TRSTATUS") != "NOT EVALUABLE"),
    )  # fmt: skip
    spread = rows.group_by("SEG", "ROOT").agg(_a=pl.col("TUMETHOD").min(), _b=pl.col("TUMETHOD").max())
    several = spread.filter(pl.col("_a") != pl.col("_b"))
    rows = rows.join(several, on=["SEG", "ROOT"], how="semi").sort("_rid")
    base = rows.filter(pl.col("ROLE").is_in(["BASELINE", "POST-OPERATIVE BASELINE"]))
    base = base.group_by(*READER, "BASETYPE", "ROOT", maintain_order=True).agg(
        BASE=pl.col("TUMETHOD").unique(), WASRID=pl.col("_rid").first(), WASVISIT=pl.col("VISIT").first()
    )
    item = [*READER, "BASETYPE", "ROOT"]
    later = rows.filter(pl.col("ROLE") == "POST-BASELINE").join(base, on=item, how="inner")
    # read by both methods: the baseline's own is there (MEA-019)
    both = pl.col("BASE").list.contains(pl.col("TUMETHOD")).any().over(*POINT, "LESID")
    later = later.with_columns(_hit=~both, WAS=pl.col("BASE").list.sort().list.join(", ")).sort(*item, "TP", "_rid")
    whole = pl.col("_hit").all() & (pl.col("TUMETHOD").n_unique() == 1) & (pl.col("VISIT").n_unique() >= 2)
    before = pl.col("TUMETHOD").shift(1).over(item)
    starts = pl.col("_hit") & (before.is_null() | (before != pl.col("TUMETHOD")))
    later = later.with_columns(_whole=whole.over(item), _starts=starts).filter("_starts")
    at_base = pl.lit("{LESIONS}: {WAS} at baseline, {TUMETHOD} at every later visit; response may be not comparable.")
    blamed = later.filter("_whole").with_columns(VISIT="WASVISIT", _rid="WASRID", WASRID="_rid", _say=at_base)
    changed = pl.concat([later.filter(~pl.col("_whole")), blamed], how="diagonal_relaxed").sort("_rid")
    return changed.group_by(*POINT, "WAS", "TUMETHOD", "_say", maintain_order=True).agg(
        LESIONS=pl.col("LESID").unique(maintain_order=True), _rid=pl.col("_rid").first(),
        _all=pl.concat([pl.col("_rid").slice(1), pl.col("WASRID")]),
    ).with_columns(
        LESIONS=pl.col("LESIONS").list.join(", "), _table=pl.lit("targets"), _related=_cells("_all", "TUMETHOD"),
        _key=pl.col("TUMETHOD"),
    ).drop("_all")  # fmt: skip


@check(
    "MEA-024",
    on="readings",
    columns=("ARTPHASE",),
    needs=("targets.ARTPHASE",),
    uses=("targets.VDIAM", "targets.TUMETHOD"),
)
def no_arterial_phase(study: Study, readings: pl.LazyFrame) -> pl.LazyFrame:
    """{DAY}: no arterial phase ({LESIONS}); viable diameter not evaluable.

    Why: viable tumour is what enhances in the arterial phase; without it nothing tells it from necrosis.
    Fix: Ask the site whether the scan had an arterial phase; if not, the liver lesions are Not evaluable.
    Rule: MEA-024; MR-M-11; once per scan. A blank is a note while the subject's rows never state the phase: triple-phase
    methods, which imply it, are read as CT or MRI
    """
    if not criterion_of(study).viable:
        return nothing()
    rows = readings.filter(pl.col("CLASS") == "TARGET", pl.col("LIVER"), ~pl.col("REMOVED"), pl.col("ROLE") != "PRIOR")
    stated = pl.col("ARTPHASE").is_not_null().any().over(READER)
    rows = rows.with_columns(_stated=stated)
    no = (pl.col("ARTPHASE") == "N") & pl.col("TRSTATUS").is_in(["MEASURED", "ABSENT", "TOO SMALL"])
    blank = pl.col("ARTPHASE").is_null() & pl.col("VDIAM").is_not_null()
    rows = rows.filter(no.fill_null(False) | blank).sort("_rid")
    scan = [*POINT, "DAY"]
    scans = rows.with_columns(_blank=pl.col("ARTPHASE").is_null()).group_by(*scan, "_blank", maintain_order=True).agg(
        LESIONS=pl.col("LESID").unique(maintain_order=True), _stated=pl.col("_stated").any(), _all=pl.col("_rid")
    )  # fmt: skip
    say = pl.lit(
        "{DAY}: the arterial phase is not stated ({LESIONS}); without one the viable diameter is not evaluable."
    )
    return scans.select(
        *scan, LESIONS=pl.col("LESIONS").list.join(", "), _rid=pl.col("_all").list.first(), _table=pl.lit("targets"),
        _say=pl.when("_blank").then(say), _severity=pl.when(pl.col("_blank") & ~pl.col("_stated")).then(pl.lit("note")),
        _key=pl.when("_blank").then(pl.lit("blank")).otherwise(pl.lit("none")), _related=_cells("_all", "VDIAM"),
    )  # fmt: skip


@check(
    "MEA-027",
    on="readings",
    columns=("LDIAM",),
    needs=("targets.LDIAM",),
    uses=("targets.SAXIS", "targets.VDIAM", "targets.TUMETHOD"),
)
def copied_forward(study: Study, readings: pl.LazyFrame) -> pl.LazyFrame:
    """All {N} lesions unchanged to the millimetre at {VISITS}.

    Why: two readings of the same lesion differ by a millimetre or two; equal numbers were often copied.
    Fix: Ask the site whether the lesions were measured anew at each visit.
    Rule: MEA-027; three time points in a row, or two by different methods; two lesions or more (parts of one
    lesion are one). Silent where every lesion
    is below 20 mm (small stable lesions), not read, or gone
    """
    rows = readings.filter(pl.col("CLASS") == "TARGET", pl.col("ROLE") != "PRIOR", ~pl.col("REMOVED"))
    rows = _that_repeat(rows).sort("LESID", "_rid")
    written = pl.concat_str(
        "LESID", pl.coalesce("TRSTATUS", pl.lit("")), *(pl.col(c).cast(pl.String).fill_null("-") for c in ("LDIAM", "SAXIS", "VDIAM")),
        separator="|",
    )  # fmt: skip
    read = (pl.col("TRSTATUS") == "MEASURED") & (pl.col("SIZE") > 0)
    segment = [*READER, "BASETYPE"]
    points = rows.group_by(*segment, "VISIT", "TP", maintain_order=True).agg(
        SAME=written.str.join(";"), HOW=pl.concat_str("LESID", pl.col("TUMETHOD").fill_null("?")).str.join(";"),
        N=pl.col("ROOT").filter(read).n_unique().cast(pl.Int64), NE=(pl.col("TRSTATUS") == "NOT EVALUABLE").any(), LARGEST=pl.col("SIZE").max(),
        _rid=pl.col("_rid").filter(read).min(), NODAL=pl.col("NODAL").sort_by("_rid").filter(read.sort_by("_rid")).first(),
        _all=pl.col("_rid"),
    )  # fmt: skip
    small = 2 * study.p("min_target_mm")
    points = points.filter(pl.col("N") > 0).sort(*segment, "TP", "VISIT")
    fit = (pl.col("N") >= study.p("copied_min_targets")) & ~pl.col("NE").fill_null(False) & (pl.col("LARGEST") >= small)
    # a time point without a row breaks no run: it copies nothing
    other = (pl.col("SAME") != pl.col("SAME").shift(1).over(segment)).fill_null(True)
    points = points.with_columns(_run=other.cum_sum().over(segment), _fit=fit)
    runs = points.filter("_fit").group_by(*segment, "_run", maintain_order=True).agg(
        pl.col("N").first(), VISITS=pl.col("VISIT"), METHODS=pl.col("HOW").n_unique(), LENGTH=pl.len(), _rids=pl.col("_rid"),
        _nodal=pl.col("NODAL"), _all=pl.col("_all").list.explode(keep_nulls=False, empty_as_null=False),
    )  # fmt: skip
    most, fewer = int(study.p("copied_visits")), int(study.p("copied_visits_other_method"))
    changed = pl.col("METHODS") > 1
    long = (pl.col("LENGTH") >= most) | ((pl.col("LENGTH") >= fewer) & changed)
    at = pl.when(pl.col("LENGTH") >= most).then(most - 1).otherwise(fewer - 1)
    found = runs.filter(long).with_columns(_at=at)
    return found.select(
        *READER, "N", VISITS=pl.col("VISITS").list.join(", "), VISIT=pl.col("VISITS").list.get(pl.col("_at")),
        _rid=pl.col("_rids").list.get(pl.col("_at")), _table=pl.lit("targets"),
        _column=pl.when(pl.col("_nodal").list.get(pl.col("_at"))).then(pl.lit("SAXIS")).otherwise(pl.lit("LDIAM")),
        _say=pl.when(changed).then(pl.lit("All {N} lesions unchanged to the millimetre at {VISITS}, though the method changed.")),
        _related=_cells("_all", "LDIAM"),
    )  # fmt: skip


def _that_repeat(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of segments in which two neighbouring time points agree in every number, by a sum of hashes."""
    read = ((pl.col("TRSTATUS") == "MEASURED") & (pl.col("SIZE") > 0)).fill_null(False)
    # 2^12 lesions of a time point do not overflow
    cells = pl.struct("LESID", "TRSTATUS", "LDIAM", "SAXIS", "VDIAM").hash() // 2**12
    points = rows.group_by("PT").agg(pl.col("SEG").first(), pl.col("TP").first(), _same=cells.sum(), _read=read.any())
    points = points.filter("_read").sort("SEG", "TP", "PT")
    again = points.filter(pl.col("_same") == pl.col("_same").shift(1).over("SEG")).select("SEG").unique()
    return rows.join(again, on="SEG", how="semi")
