"""Which test proves which rule: the tests are searched for the ids that they name, and the cases of every check counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: worked examples of the response criteria and of the ADaM derivations
EXAMPLES = tuple(f"{name}-EX-{n:02d}" for name, last in (("RX", 56), ("AD", 28)) for n in range(1, last + 1))
KINDS = ("failing", "passing", "boundary", "trap", "skipped")
#: worked examples: `RX-EX-20 to 26, 37 to 39` names ten of them
_EXAMPLE = re.compile(r"\b(RX|AD)-EX-(\d+)((?:(?:,| to| and|, and)\s+(?:\1-EX-)?\d+\b)*)")
_IN_NAME = re.compile(r"def test_(ad|rx)_ex_(\d\d)(?:_(?:to|and)_(\d\d))?")
_RULE = re.compile(r"\b(?:R11|MR|CHP|CH)-[A-Z]{1,3}(?:-[A-Z]{2})?-\d+\b")
_CHECK = re.compile(r"\b(?:STR|DAT|TRM|VIS|DOS|MEA|END|SUR|SAF)-\d{3}\b")
_CASE = re.compile(r"^ +kind: *(\w+)", re.MULTILINE)
Places = dict[str, set[str]]


def check_cases() -> dict[str, Counter[str]]:
    """Check -> number of its cases by kind, from `tests/cases/<ID>.yaml`."""
    files = sorted((ROOT / "tests" / "cases").glob("*.yaml"))
    return {f.stem: Counter(_CASE.findall(f.read_text(encoding="utf-8"))) for f in files}


def cited(pattern: str) -> Places:
    """Id (`example`, `rule`, `check`) -> the tests that name it, as `tests/file.py: test_name` or a case file."""
    out: Places = {}
    for path in sorted([*ROOT.glob("tests/**/*.py"), *ROOT.glob("tests/**/*.yaml")]):
        if path.is_relative_to(ROOT / "tests" / "docs") or path.name.startswith("test_lang"):
            continue
        name = path.relative_to(ROOT).as_posix()
        for found, test in _named(path, pattern):
            out.setdefault(found, set()).add(f"{name}: {test}" if test else name)
    return out


def in_code() -> Places:
    """Rule -> the modules that give or cite it."""
    out: Places = {}
    for path in sorted((ROOT / "cdiscx").glob("**/*.py")):
        for rule in set(_RULE.findall(path.read_text(encoding="utf-8"))):
            out.setdefault(rule, set()).add(path.relative_to(ROOT).as_posix())
    return out


def _named(path: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """Ids of a file with the test they stand in, above (parameters) or nothing (the file's own heading)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    tests = [(n, m[1]) for n, line in enumerate(lines) if (m := re.match(r"(?:async )?def (test_\w+)", line))]
    outside = [n for n, line in enumerate(lines) if re.match(r"(?:def (?!test_)|class |[A-Z_a-z]+ *[:=])", line)]
    for number, line in enumerate(lines):
        for found in _ids(line, pattern):
            before = max((t for t in tests if t[0] <= number), default=None)
            after = min((t for t in tests if t[0] > number), default=None)
            inside = before if before and not any(before[0] < o <= number for o in outside) else None
            decorates = line.startswith((" ", "@", "]", ")")) and (inside is None or _above(lines, number, after))
            test = after if decorates and after else inside
            yield found, test[1] if test else ""


def _above(lines: list[str], number: int, after: tuple[int, str] | None) -> bool:
    """Whether a line stands in the decorators of the next test."""
    if after is None:
        return False
    start = next((n for n in range(number, -1, -1) if re.match(r"@|def ", lines[n])), None)
    return start is not None and lines[start].startswith("@")


def _ids(line: str, pattern: str) -> Iterator[str]:
    if pattern == "rule":
        yield from _RULE.findall(line)
    elif pattern == "check":
        yield from _CHECK.findall(line)
    else:
        if name := _IN_NAME.match(line):
            last = int(name[3] or name[2])
            yield from (f"{name[1].upper()}-EX-{n:02d}" for n in range(int(name[2]), last + 1))
        for match in _EXAMPLE.finditer(line):
            yield from (f"{match[1]}-EX-{n:02d}" for n in _numbers(int(match[2]), match[3]))


def _numbers(first: int, more: str) -> list[int]:
    """`20`, ` to 26, 37 to 39` -> 20 … 26, 37 … 39."""
    numbers = [first]
    for word, digits in re.findall(r"(,|to|and)\s+(?:\w\w-EX-)?(\d+)", more):
        last = int(digits)
        numbers += range(numbers[-1] + 1, last + 1) if word == "to" else [last]
    return numbers
