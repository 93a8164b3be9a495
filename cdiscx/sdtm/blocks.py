"""A block of a mapping in, the records it makes out: rows chosen, other tables joined, targets evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from cdiscx import registry
from cdiscx.model.mapping import Block, DomainMapping, Join, Rows, Target, Test
from cdiscx.model.table import Table
from cdiscx.sdtm.findings import findings, test_rows
from cdiscx.sdtm.here import Here, RowSet, Run, as_text, sources_of

#: private columns every record carries until it is finished
PRIVATE = ("_SUBJID", "_rid", "_from", "_block")


@dataclass
class Made:
    """What the blocks of a domain made: `frame` has PRIVATE, variables, `supp:QNAM`s and `_from:VARIABLE`s."""

    frame: pl.DataFrame
    origin: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: variable -> (origin, source, method) words of define.xml, as the first block says
    words: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    #: QNAM -> (label, origin)
    qualifiers: dict[str, tuple[str, str]] = field(default_factory=dict)
    #: --TESTCD -> its Test, for value-level metadata
    tests: dict[str, Test] = field(default_factory=dict)
    #: tag of a block or test (`block`, `block.TESTCD`) -> the table its rows come from
    tables: dict[str, str] = field(default_factory=dict)


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
    rows = RowSet(frame, {c: sources_of(table, c) for c in frame.columns if not c.startswith("_")})
    for joined, join in block.join.items():
        rows = _joined(run, rows, joined, join, f"{domain}/{name}")
    keep, missing = condition(block, rows.frame.schema)
    _uses(run, rows, block, missing, f"{domain}/{name}")
    rows.frame = rows.frame.filter(keep).sort("_rid", nulls_last=True, maintain_order=True)
    if block.once_per:
        order = [c for c in (*block.order, "_rid") if c in rows.frame.columns]
        first = rows.frame.sort(order, nulls_last=True, maintain_order=True)
        rows.frame = first.unique([c for c in block.once_per if c in first.columns], keep="first", maintain_order=True)
    return rows


def _uses(run: Run, rows: RowSet, spec: Rows, missing: list[str], where: str) -> None:
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
    origin = {f"{name}.{c}": sources_of(table, c) for c in chosen.columns if not c.startswith("_")}
    for column in (*join.where, *join.unless, *join.filled, *join.blank, *theirs):
        run.used.update(origin.get(f"{name}.{column}", ()))
    joined = {**rows.joined, name: f"{name}._from"} if f"{name}._from" in frame.columns else rows.joined
    return RowSet(frame, {**rows.origin, **origin}, joined)


def build(run: Run, mapping: DomainMapping) -> Made:
    """Every block of a domain, one under the other."""
    made = Made(pl.DataFrame())
    pieces: list[pl.DataFrame] = []
    for name, block in mapping.blocks.items():
        rows = row_set(run, mapping.domain, name, block)
        if rows is not None:
            pieces += _records(run, mapping.domain, name, block, rows, made)
    filled = [p for p in pieces if p.width]
    made.frame = pl.concat(filled, how="diagonal_relaxed") if filled else pl.DataFrame()
    return made


def _records(run: Run, domain: str, name: str, block: Block, rows: RowSet, made: Made) -> list[pl.DataFrame]:
    shared = _evaluated(run, domain, name, block.targets, block.supp, rows, made, name)
    tags = [f"{name}.{code}" for code in block.tests] or [name]
    made.tables.update(dict.fromkeys(tags, block.from_))
    if not block.tests:
        return [_selected(rows, pl.lit(True), shared, name)]
    pieces = []
    for code, test in block.tests.items():
        made.tests[code] = test
        tag = f"{name}.{code}"
        found = findings(run, domain, tag, code, test, rows)
        if found is None:
            continue
        own = _evaluated(run, domain, tag, test.targets, test.supp, rows, made, tag)
        keep, missing = test_rows(test, rows, found)
        _uses(run, rows, test, missing, f"{domain}/{tag}")
        _remember(run, made, tag, found.origin, found.words, rows)
        _remember(run, made, tag, shared.origin, {}, rows)
        columns = {**found.columns, **shared.columns, **own.columns}
        piece = _Values(columns, {**shared.origin, **found.origin, **own.origin}, {**shared.rows, **own.rows})
        pieces.append(_selected(rows, keep, piece, tag))
    return pieces


@dataclass
class _Values:
    columns: dict[str, pl.Expr] = field(default_factory=dict)
    origin: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rows: dict[str, pl.Expr] = field(default_factory=dict)


def _evaluated(
    run: Run,
    domain: str,
    block: str,
    targets: Mapping[str, Target],
    supp: Mapping[str, Target],
    rows: RowSet,
    made: Made,
    tag: str,
) -> _Values:
    out = _Values()
    algorithms = registry.registered("algorithm")
    for name, target, qualifier in [
        *((n, t, False) for n, t in targets.items()),
        *((n, t, True) for n, t in supp.items()),
    ]:
        here = Here(run, domain, block, name, target, rows)
        expression = algorithms[target.use](here, target.of, **target.options)
        if here.missing and not (here.used and isinstance(target.of, list | tuple)):
            run.note(
                f"{domain}/{block}: {name} is not made, this study has no {', '.join(dict.fromkeys(here.missing))}"
            )
            continue
        key = f"supp:{name}" if qualifier else name
        columns = {**here.more} if expression is None else {key: expression, **here.more}
        words = (target.origin or here.origin, here.source, target.method or here.method)
        for column in columns:
            if column.startswith("supp:"):
                made.qualifiers.setdefault(
                    column[5:],
                    (_label(target, name, column[5:]), target.origin or ("Collected" if qualifier else words[0])),
                )
        out.columns |= columns  # type: ignore[arg-type]
        out.rows |= here.rows
        origin = tuple(here.used)
        out.origin |= dict.fromkeys(columns, origin)
        _remember(run, made, tag, dict.fromkeys(columns, origin), dict.fromkeys(columns, words), rows)
    return out


def _label(target: Target, name: str, qualifier: str) -> str:
    if qualifier == name or not target.label:
        return target.label or qualifier
    return f"{target.label} {qualifier.removeprefix(name)}".strip()


def _remember(
    run: Run,
    made: Made,
    tag: str,
    origin: Mapping[str, tuple[str, ...]],
    words: Mapping[str, tuple[str, str, str]],
    rows: RowSet,
) -> None:
    for column, sources in origin.items():
        made.origin[f"{tag}/{column}"] = sources
        run.used.update(sources)
    for column, said in words.items():
        made.words.setdefault(column, said)


def _selected(rows: RowSet, keep: pl.Expr, values: _Values, tag: str) -> pl.DataFrame:
    """The records of one block or test with their private columns."""
    read = {source.partition(".")[0] for sources in values.origin.values() for source in sources}
    united = [pl.col("_from")]
    for name, column in rows.joined.items():
        if any(
            source in read
            for source in (s.partition(".")[0] for c, o in rows.origin.items() if c.startswith(f"{name}.") for s in o)
        ):
            united.append(pl.col(column).fill_null([]))
    extra = [
        expression.fill_null([])
        if isinstance(rows.frame.select(expression).dtypes[0], pl.List)
        else pl.concat_list(expression)
        for expression in values.rows.values()
    ]
    lineage = (
        pl.concat_list([*united, *extra]).list.drop_nulls().list.unique(maintain_order=True)
        if len(united) + len(extra) > 1
        else pl.col("_from")
    )
    named = [e.list.drop_nulls().alias(f"_from:{name}") for name, e in zip(values.rows, extra, strict=True)]
    frame = rows.frame.filter(keep)
    return frame.select(
        pl.col("SUBJID").alias("_SUBJID"),
        "_rid",
        lineage.alias("_from"),
        pl.lit(tag).alias("_block"),
        *[e.alias(c) for c, e in values.columns.items()],
        *named,
    )
