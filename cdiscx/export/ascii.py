"""Text in, the ASCII text that a version 5 transport file can hold out: transliterated where that is read the same, else escaped.

The policy, character by character:

1. typographic signs, comparison and Greek letters have the spelling of the table below (`≥` is `>=`, `µ` is `u`);
2. full-width and other compatibility forms are brought to their plain form (NFKC), Latin letters lose their accents (NFD);
3. line breaks and tabs are blanks; zero-width marks go;
4. everything else (Chinese, other scripts, emoji, control characters) is escaped as `\\uXXXX`, `\\UXXXXXXXX` beyond the
   basic plane: nothing is dropped, and the text can be had back.

Backslashes that were typed stay as they are.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa

_SPELLED = {
    "≥": ">=", "≤": "<=", "≧": ">=", "≦": "<=", "≠": "!=", "≈": "~", "±": "+/-", "×": "x", "÷": "/", "µ": "u", "μ": "u",
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "―": "-", "‘": "'", "’": "'", "‚": "'", "′": "'",
    "“": '"', "”": '"', "„": '"', "″": '"', "«": '"', "»": '"', "…": "...", "•": "*", "·": ".", "°": " deg ", "℃": " deg C",
    "℉": " deg F", "√": "sqrt", "∞": "inf", "→": "->", "←": "<-", "↑": "^", "‰": "/1000", "ß": "ss", "æ": "ae", "Æ": "AE",
    "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th",
    "Þ": "Th", "ı": "i", "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "Δ": "Delta", "ε": "epsilon",
    "κ": "kappa", "λ": "lambda", "π": "pi", "σ": "sigma", "τ": "tau", "ω": "omega", "Ω": "Ohm", "\u2126": "Ohm",
    "\u00a0": " ", "\u202f": " ", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\v": " ", "\f": " ", "\x85": " ",
    "\u2028": " ", "\u2029": " ", "\u200b": "", "\u200c": "", "\u200d": "", "\u2060": "", "\ufeff": "", "\u00ad": "",
    "。": ".", "、": ",", "《": "<<", "》": ">>", "「": '"', "」": '"', "【": "[", "】": "]",
    "¼": " 1/4", "½": " 1/2", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3",
}  # fmt: skip
#: raised digits must not run into the number before them
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
#: characters that need this policy: not ASCII, or a control character
PATTERN = r"[^\x20-\x7E]"


def spelled(character: str) -> tuple[str, bool]:
    """One character -> its ASCII text, and whether it had to be escaped."""
    if "\x20" <= character <= "\x7e":
        return character, False
    if character in _SPELLED:
        return _SPELLED[character], False
    if character in _RAISED:
        return f"^{_RAISED[character]}", False
    plain = unicodedata.normalize("NFKC", character)
    if plain != character and plain.isascii() and plain.isprintable():
        return plain, False
    base = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    if base.isascii() and base.isprintable() and (base.isalpha() or unicodedata.combining(character)):
        return base, False
    code = ord(character)
    return (f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"), True


def odd_texts(texts: pl.Series) -> pl.Series | None:
    """Whether a text needs this policy, null counting as no; None where none does (told by the bytes, without a pattern)."""
    array = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.large_string())
    offsets, data = array.buffers()[1:]
    if data is None or not len(array):
        return None
    span = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    content = np.frombuffer(data, dtype=np.uint8)[span[0] : span[-1]]
    if not content.size or (int(content.min()) >= 0x20 and int(content.max()) <= 0x7E):
        return None
    odd = texts.str.contains(PATTERN).fill_null(False)
    return odd if odd.any() else None


def spelling(texts: pl.Series) -> tuple[Mapping[str, str], frozenset[str]]:
    """The characters of these texts that are not plain ASCII with their spelling, and those of them that are escaped.

    The cost grows with the number of different characters, not of texts.
    """
    found = texts.str.extract_all(PATTERN).explode().drop_nulls().unique().sort().to_list()
    made = {character: spelled(character) for character in found}
    return {c: text for c, (text, _) in made.items()}, frozenset(c for c, (_, escaped) in made.items() if escaped)


def to_ascii(texts: pl.Series) -> pl.Series:
    """Texts with every character as `spelled`; same height and order, nulls stay."""
    odd = odd_texts(texts)
    if odd is None:
        return texts
    known, _ = spelling(texts.filter(odd))
    return texts.zip_with(~odd, texts.str.replace_many(list(known), list(known.values())))
