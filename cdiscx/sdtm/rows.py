"""A block of a mapping in, its rows out: which rows, and the columns of other tables beside them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from cdiscx.model.mapping import Block, Join, Rows
from cdiscx.model.table import Table
from cdiscx.sdtm.here import RowSet, Run, as_text, sources_of


def condition(rows: Rows, names: Mapping[str, pl.DataType]) -> tuple[pl.Expr, list[str]]:
    """The rows as one expression, and the columns it reads that are not there (they make it false, or true in `unless`)."""
    parts: list[pl.Expr] = []
    missing: list[str] = []
    for column, values in rows.where.items():
        if column in names:
            parts.append(as_text(pl.col(column), names[column]).is_in(list(values)).fill_null(False))
        else:
            missing.append(column)
            parts.append(pl.lit(False))
    for column, values in rows.unless.items():
        if column in names:
            parts.append(~as_text(pl.col(column), names[column]).is_in(list(values)).fill_null(False))
        else:
            missing.append(column)
    for column in rows.filled:
        if column in names:
            parts.append(_collected(column, names).is_not_null())
        else:
            missing.append(column)
            parts.append(pl.lit(False))
    for column in rows.blank:
        if column in names:
            parts.append(_collected(column, names).is_null())
    return (pl.all_horizontal(parts) if parts else pl.lit(True)), missing


def _collected(column: str, names: Mapping[str, object]) -> pl.Expr:
    return pl.col(f"{column}C") if f"{column}C" in names else pl.col(column)


def regimens(run: Run) -> Table:
    """The study file's regimens as a table that blocks may join: DRUG, KIND, COMPONENT, GROUP, UNIT, SYSTEMIC."""
    rows = [
        (drug, r.kind, r.component, r.group, r.unit, "Y" if r.systemic else "N")
        for drug, r in run.study.regimens.items()
    ]
    names = ["DRUG", "KIND", "COMPONENT", "GROUP", "UNIT", "SYSTEMIC"]
    return Table("regimens", pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row"))


def row_set(run: Run, domain: str, name: str, block: Block) -> RowSet | None:
    """The rows of a block with their joins, sorted by the place in the upload; None where the table is not there."""
    table = run.data.tidy.get(block.from_)
    if table is None or "SUBJID" not in table.frame.columns:
        run.note(f"{domain}/{name}: this study has no {block.from_}; the block is skipped")
        return None
    frame = table.frame
    if "_from" not in frame.columns:
        lone = pl.concat_list("_rid") if "_rid" in frame.columns else pl.lit([], pl.List(pl.UInt32))
        frame = frame.with_columns(lone.alias("_from"))
    if "_rid" not in frame.columns:
        frame = frame.with_columns(pl.col("_from").list.first().alias("_rid"))
    rows = RowSet(frame, {c: sources_of(run.data, table, c) for c in frame.columns if not c.startswith("_")})
    for joined, join in block.join.items():
        rows = _joined(run, rows, joined, join, f"{domain}/{name}")
    keep, missing = condition(block, rows.frame.schema)
    uses(run, rows, block, missing, f"{domain}/{name}")
    rows.frame = rows.frame.filter(keep).sort("_rid", nulls_last=True, maintain_order=True)
    if block.once_per:
        order = [c for c in (*block.order, "_rid") if c in rows.frame.columns]
        first = rows.frame.sort(order, nulls_last=True, maintain_order=True)
        rows.frame = first.unique([c for c in block.once_per if c in first.columns], keep="first", maintain_order=True)
    return rows


def uses(run: Run, rows: RowSet, spec: Rows, missing: list[str], where: str) -> None:
    """Remembers the columns that chose the rows, and notes those that the study does not have."""
    for column in (*spec.where, *spec.unless, *spec.filled, *spec.blank):
        run.used.update(rows.origin.get(column, ()))
    if missing:
        run.note(f"{where}: this study has no {', '.join(missing)}")


def _joined(run: Run, rows: RowSet, name: str, join: Join, where: str) -> RowSet:
    wanted = join.table or name
    table = regimens(run) if wanted == "regimens" else run.data.tidy.get(wanted)
    if table is None or any(theirs not in table.frame.columns for theirs in join.on.values()):
        run.note(f"{where}: this study has no {wanted} to join")
        return rows
    if missing := [own for own in join.on if own not in rows.frame.columns]:
        run.note(f"{where}: {wanted} cannot be joined, there is no {', '.join(missing)}")
        return rows
    keep, lost = condition(join, table.frame.schema)
    if lost:
        run.note(f"{where}: {wanted} has no {', '.join(lost)}")
    theirs = list(join.on.values())
    order = [c for c in (*join.order, "_rid") if c in table.frame.columns]
    chosen = table.frame.filter(keep).drop_nulls(theirs)
    chosen = chosen.sort(order, nulls_last=True, maintain_order=True) if order else chosen
    chosen = chosen.unique(theirs, keep=join.take, maintain_order=True)
    if "_from" not in chosen.columns and "_rid" in chosen.columns:
        chosen = chosen.with_columns(pl.concat_list("_rid").alias("_from"))
    there = chosen.rename({c: f"{name}.{c}" for c in chosen.columns})
    frame = rows.frame.join(
        there,
        left_on=list(join.on),
        right_on=[f"{name}.{c}" for c in theirs],
        how="left",
        maintain_order="left",
        coalesce=False,
    )
    origin = {f"{name}.{c}": sources_of(run.data, table, c) for c in chosen.columns if not c.startswith("_")}
    for column in (*join.where, *join.unless, *join.filled, *join.blank, *theirs):
        run.used.update(origin.get(f"{name}.{column}", ()))
    joined = {**rows.joined, name: f"{name}._from"} if f"{name}._from" in frame.columns else rows.joined
    return RowSet(frame, {**rows.origin, **origin}, joined)
