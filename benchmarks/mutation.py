"""Mutation: change one comparison, constant, parameter, condition or table cell at a time and see whether a test notices.

Run: python benchmarks/mutation.py [--only 'checks:MEA-*'] [--kinds comparison,constant] [--share 0.2] [--out build/mutation.jsonl]

Three families. `standards`: the response tables, measurability, grades and Child-Pugh, judged by their tests in
tests/standards. `checks`: the functions and lists of the checks room, judged by the cases (tests/cases) of every check that
reaches the function. `views`: the house tables, judged by the cases of the checks that read them. Every mutant is one line of
the output; a second run goes on where the first stopped, and a mutant under which the process died counts as killed.
`--share` draws that part of the mutants by seed, the same ones in every run. Mutants that no test can tell from the rule are
listed with the reason in benchmarks/mutation_equivalent.yaml and leave the score.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [
    str(ROOT / "benchmarks"),
    str(ROOT / "tests"),
    str(ROOT / "tests" / "golden"),
    str(ROOT / "tests" / "tidy"),
]

from mutants import KINDS, TABLE, Mutant, living, mutants  # noqa: E402
from mutation_judges import (  # noqa: E402
    BY_SCHEMA,
    DIRECT,
    STANDARDS,
    by_cases,
    by_tests,
    by_views,
    prepared,
    reached,
    reaches,
    readers_of,
    tests_of,
    views_of,
    within,
)

EQUIVALENT = ROOT / "benchmarks" / "mutation_equivalent.yaml"


@cache
def equivalents() -> dict[str, str]:
    """Name of a mutant -> why no test can tell it from the rule."""
    from ruamel.yaml import YAML

    found = YAML(typ="safe", pure=True).load(EQUIVALENT.read_text(encoding="utf-8")) or {}
    return {" ".join(name.split()): why for why, names in found.items() for name in names}


def key(mutant: Mutant) -> str:
    """The name as the list of equal mutants writes it, blanks in a row as one."""
    return " ".join(mutant.name.split())


def planned() -> Iterator[tuple[Mutant, str, tuple[str, ...]]]:
    """Every mutant, the group it is counted in and who judges it: test files, or ids of checks, the nearest first."""
    from cdiscx import registry

    registry.checks(), registry.views()
    for short, files in STANDARDS.items():
        tests = tuple(f"standards/{f}" for f in files)
        yield from (
            (m, short, tests) for m in mutants("standards", importlib.import_module(f"cdiscx.standards.{short}"))
        )
    judges = importlib.import_module("cdiscx.validate.structure").__name__
    for name in (*sorted(n for n in sys.modules if n.startswith("cdiscx.checks.")), judges):
        for mutant in mutants("checks", sys.modules[name]):
            ids: tuple[str, ...] = reached().get((name, mutant.function), ())
            if mutant.function == TABLE:
                ids = readers_of(name, mutant.before.split(" in ")[-1].split("[")[0].split(" = ")[0])
            ids = ids or (tuple(BY_SCHEMA) if name == judges else ())
            if ids:
                yield mutant, ids[0] if len(ids) == 1 else name.rpartition(".")[2], ids
    for name in sorted(n for n in sys.modules if n.startswith("cdiscx.views.")):
        short = name.rpartition(".")[2]
        for mutant in mutants("views", sys.modules[name]):
            place = (name, mutant.function)
            direct = reached().get(place, ())
            yield mutant, short, (*direct[:4], *(i for i in users_of(place) if i not in direct[:4]))


@cache
def users_of(place: tuple[str, str]) -> tuple[str, ...]:
    """Checks that read a view which reaches the place, those that read the fewest views first."""
    from cdiscx import registry

    names = {v.name for v in registry.views().values() if reaches(v.function, place)}
    users = [(len(views_of(i)), i) for i in registry.checks() if names & set(views_of(i))]
    return tuple(check_id for _, check_id in sorted(users))


def kept(mutant: Mutant, by: str, ids: tuple[str, ...], options: argparse.Namespace) -> bool:
    """Whether the options ask for the mutant; chance rests on its name only."""
    if mutant.kind not in options.kinds.split(","):
        return False
    if random.Random(f"{options.seed}:{mutant.name}").random() >= options.share:
        return False
    family = mutant.family
    words = {f"{family}:{by}", f"{family}:{mutant.module.rpartition('.')[2]}", *(f"{family}:{i}" for i in ids)}
    skipped = any(fnmatchcase(word, one) for one in options.skip.split(",") for word in words)
    return not skipped and any(fnmatchcase(word, one) for one in options.only.split(",") for word in words)


def judge(mutant: Mutant, judges: tuple[str, ...], options: argparse.Namespace) -> str | None:
    """What killed the mutant, or None."""
    if mutant.family == "standards":
        tests_of(judges)  # with the rule as it is
        with living(mutant):
            return within(options.budget, lambda: by_tests(judges))
    few = judges[: options.users]
    for check_id in few:
        prepared(check_id)  # with the rule as it is
    direct = DIRECT.get(mutant.module.removeprefix("cdiscx."), ())
    if direct:
        tests_of(direct)
    place = (mutant.module, mutant.function)

    def asked() -> str | None:
        own = by_tests(direct) if direct and mutant.family == "views" else None
        cases = (lambda: by_views(few, place)) if mutant.family == "views" else (lambda: by_cases(few))
        return own or cases() or (by_tests(direct) if direct and mutant.family != "views" else None)

    with living(mutant):
        return within(options.budget, asked)


def main() -> None:
    """Judges the mutants, one line of JSON each, and prints the survivors and the score of each group."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--share", type=float, default=1.0, help="part of the mutants to judge, drawn by seed")
    words.add_argument("--kinds", default=",".join(KINDS), help="kinds of changes")
    words.add_argument("--users", type=int, default=12, help="checks whose cases judge one mutant, at most")
    words.add_argument("--only", default="*", help="family:check or family:module, with wildcards")
    words.add_argument("--skip", default="", help="the same, several with commas, for what is left out")
    words.add_argument("--budget", type=int, default=120, help="seconds a mutant")
    words.add_argument("--again", action="store_true", help="judge the survivors of --out once more")
    words.add_argument("--report", action="store_true", help="judge nothing, print the score of --out")
    words.add_argument("--out", type=Path, default=ROOT / "build" / "mutation.jsonl")
    options = words.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    told = {row["name"]: row for row in map(json.loads, lines)}
    mine = [(m, by, judges) for m, by, judges in planned() if kept(m, by, judges, options)]
    with options.out.open("a", encoding="utf-8") as out:
        for mutant, by, judges in [] if options.report else mine:
            old = told.get(mutant.name)
            if (old is not None and (old["killed"] or not options.again)) or key(mutant) in equivalents():
                continue
            row = {
                "name": mutant.name, "place": mutant.place, "kind": mutant.kind, "family": mutant.family, "by": by,
                "killed": "the process died",
            }  # fmt: skip
            print(json.dumps(row, ensure_ascii=False), file=out, flush=True)  # the next line replaces it
            start = time.perf_counter()
            row |= {"killed": judge(mutant, judges, options), "seconds": round(time.perf_counter() - start, 1)}
            print(json.dumps(row, ensure_ascii=False), file=out, flush=True)
            told[mutant.name] = row
    same = [m for m, _, _ in mine if key(m) in equivalents()]
    report([told[m.name] for m, _, _ in mine if m.name in told and key(m) not in equivalents()], len(same))


def report(rows: list[dict[str, Any]], same: int) -> None:
    """The survivors, then the score of each group and kind of change."""
    for row in rows:
        if not row["killed"]:
            print(f"alive: {row['place']}  [{row['by']}]")
    for title, of in (("group", _group), ("kind of change", lambda row: row["kind"])):
        groups: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            groups[of(row)].append(row)
        print(f"\n{title:<28} killed of mutants")
        for name, found in sorted(groups.items()):
            dead = sum(1 for row in found if row["killed"])
            print(f"{name:<28} {dead:>6} of {len(found):>5}  {100 * dead / len(found):5.1f} %")
    dead = sum(1 for row in rows if row["killed"])
    print(
        f"\n{'all':<28} {dead:>6} of {len(rows):>5}; {same} more are equal to the rule by benchmarks/mutation_equivalent.yaml"
    )


def _group(row: dict[str, Any]) -> str:
    if row["family"] != "checks":
        return f"{row['family']} {row['by']}"
    return f"checks {row['by'].partition('-')[0] if row['by'][3:4] == '-' else '(shared)'}"


if __name__ == "__main__":
    main()
