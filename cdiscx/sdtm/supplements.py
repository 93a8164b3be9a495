"""Qualifiers that a domain has no variable for, and text beyond 200 characters: SUPP-- (sdtm-mapping 2.12, 4.12)."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from cdiscx.model.dataset import Dataset, ValueLevel, Variable
from cdiscx.sdtm.blocks import Made
from cdiscx.sdtm.here import Run
from cdiscx.standards import guide

#: longest value of a character variable (SAS transport version 5)
LIMIT = 200


def shortened(run: Run, domain: str, frame: pl.DataFrame, made: Made) -> pl.DataFrame:
    """Text over 200 characters goes on in qualifiers named after the variable: `AETERM1`, `AETERM2`, …"""
    texts = [c for c, t in frame.schema.items() if t == pl.String and not c.startswith("_")]
    if not texts:
        return frame
    longest = frame.select(pl.col(texts).str.len_chars().max()).row(0, named=True)
    for name, length in longest.items():
        if length is None or length <= LIMIT:
            continue
        pieces = -(-length // LIMIT)
        bare = name.removeprefix("supp:")
        known = guide.variable(domain, bare)
        label = made.qualifiers[bare][0] if bare in made.qualifiers else known.label if known else bare
        origin = made.qualifiers[bare][1] if bare in made.qualifiers else made.words.get(bare, ("Collected", "", ""))[0]
        more = []
        for n in range(1, pieces):
            part = pl.col(name).str.slice(LIMIT * n, LIMIT)
            qualifier = f"{bare[: 8 - len(str(n))]}{n}"
            more.append(pl.when(part != "").then(part).alias(f"supp:{qualifier}"))
            made.qualifiers[qualifier] = (label[:40], origin)
            for tag in made.tables:
                made.origin[f"{tag}/supp:{qualifier}"] = made.origin.get(f"{tag}/{name}", ())
        frame = frame.with_columns(more).with_columns(pl.col(name).str.slice(0, LIMIT))
        run.note(f"{domain}.{bare}: text over {LIMIT} characters goes on in SUPP{domain}")
    return frame


def supplement(run: Run, domain: str, frame: pl.DataFrame, made: Made) -> Dataset | None:
    """SUPP-- of a domain: one row for each qualifier that has a value; None where none has."""
    qualifiers = [c for c in frame.columns if c.startswith("supp:")]
    sequence = f"{domain}SEQ" if f"{domain}SEQ" in frame.columns else None
    pieces = []
    for column in sorted(qualifiers):
        name = column.removeprefix("supp:")
        label, origin = made.qualifiers.get(name, (name, "Collected"))
        identity = [
            pl.lit(f"{domain}SEQ" if sequence else None, pl.String).alias("IDVAR"),
            (pl.col(sequence).cast(pl.String) if sequence else pl.lit(None, pl.String)).alias("IDVARVAL"),
        ]
        pieces.append(
            frame.filter(pl.col(column).is_not_null()).select(
                "STUDYID", pl.lit(domain).alias("RDOMAIN"), "USUBJID", *identity,
                pl.lit(name).alias("QNAM"), pl.lit(label[:40]).alias("QLABEL"),
                pl.col(column).cast(pl.String).alias("QVAL"), pl.lit(origin).alias("QORIG"),
                pl.lit(None, pl.String).alias("QEVAL"), "_from",
                (pl.col("_block") + pl.lit(f"/{name}")).alias("_block"),
                (pl.col(sequence) if sequence else pl.lit(0)).cast(pl.Int64).alias("_seq"),
            )
        )  # fmt: skip
    rows = pl.concat(pieces) if pieces else pl.DataFrame()
    if not rows.height:
        return None
    rows = rows.sort("USUBJID", "_seq", "QNAM").drop("_seq")
    return _described(domain, rows, made)


def _described(domain: str, rows: pl.DataFrame, made: Made) -> Dataset:
    name = f"SUPP{domain}"
    facts = guide.dataset(name)
    assert facts is not None, "the guide knows SUPPQUAL"
    derived = {
        "IDVARVAL": f"{domain}SEQ of the parent record",
        "USUBJID": "STUDYID, SITEID and SUBJID joined by hyphens.",
    }
    variables = tuple(_variable(v, derived) for v in guide.variables(name) if v.name in rows.columns)
    names = rows.get_column("QNAM").unique().sort().to_list()
    values = tuple(
        ValueLevel("QVAL", (("QNAM", "EQ", (q,)),), label=made.qualifiers.get(q, (q, ""))[0],
                   origin=made.qualifiers.get(q, (q, "Collected"))[1],
                   source="Investigator" if made.qualifiers.get(q, (q, "Collected"))[1] == "Collected" else "Sponsor")
        for q in names
    )  # fmt: skip
    origin: dict[str, tuple[str, ...]] = {}
    for key, sources in made.origin.items():
        tag, _, column = key.partition("/")
        if column.startswith("supp:"):
            origin[f"{tag}/{column[5:]}/QVAL"] = sources
            origin[f"{tag}/{column[5:]}/USUBJID"] = made.origin.get(f"{tag}/USUBJID", ())
            origin[f"{tag}/{column[5:]}/IDVARVAL"] = made.origin.get(f"{tag}/{domain}SEQ", ())
    return Dataset(
        name=name,
        label=facts.label,
        klass=facts.klass,
        structure=facts.structure,
        keys=("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM"),
        variables=variables,
        frame=rows.select(*[v.name for v in variables], "_from", "_block"),
        values=values,
        origin=origin,
    )


def _variable(variable: Variable, derived: dict[str, str]) -> Variable:
    if variable.name in derived:
        return replace(variable, origin="Derived", method=derived[variable.name])
    return replace(variable, origin="Collected" if variable.name == "QVAL" else "Assigned")
