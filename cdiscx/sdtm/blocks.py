"""A block of a mapping in, the records it makes out: rows chosen, other tables joined, targets evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from cdiscx import registry
from cdiscx.model.mapping import Block, DomainMapping, Target, Test
from cdiscx.sdtm.findings import findings, test_rows
from cdiscx.sdtm.here import Here, RowSet, Run
from cdiscx.sdtm.rows import row_set, uses

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


def build(run: Run, mapping: DomainMapping) -> Made:
    """Every block of a domain, one under the other."""
    made = Made(pl.DataFrame())
    pieces: list[pl.DataFrame] = []
    for name, block in mapping.blocks.items():
        rows = row_set(run, mapping.domain, name, block)
        if rows is not None and rows.frame.height:
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
        uses(run, rows, test, missing, f"{domain}/{tag}")
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
                    (
                        here.labels.get(column[5:]) or _label(target, name, column[5:]),
                        target.origin or ("Collected" if qualifier else words[0]),
                    ),
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
        run.mapped.update(sources)
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
