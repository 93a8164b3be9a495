"""Layout of the upload in a study file: sheets, columns, spellings; and the base of every node that people write."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Node(BaseModel):
    """Base of everything in a study file: no unknown keys, nothing mutable, no silent conversion."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def _as_date(value: Any) -> Any:
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


Day = Annotated[dt.date, BeforeValidator(_as_date)]
Text = Annotated[
    str, BeforeValidator(lambda v: str(v) if isinstance(v, int | float) and not isinstance(v, bool) else v)
]
Texts = tuple[Text, ...]
Texts_ = Annotated[Texts, BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)]
Number = Annotated[float, BeforeValidator(lambda v: float(v) if isinstance(v, int) and not isinstance(v, bool) else v)]
SeverityName = Literal["error", "warning", "note"]
ColumnType = Literal["id", "date", "num", "yn", "text", "term", "terms", "pairs", "visit", "lesion", "lesions"]


class Column(Node):
    """One column of a site's sheet: what it is in the house's words and how to read it.

    `type`: id (text kept as typed), date, num, yn (-> Y/N), text, term (one of `terms`), terms (semicolon list of terms),
    pairs (`key: term; key: term`), visit (name of the schedule), lesion / lesions (lesion ids).
    """

    is_: str = Field(alias="is", description="Name in the house's words, CDASH-like upper case, e.g. VISDAT")
    type: ColumnType = "text"
    required: bool = Field(False, description="A value is needed in every row (STR-009)")
    mandatory: bool | None = Field(None, description="The column itself must exist (STR-001); default: as `required`")
    partial: bool = Field(False, description="A partial date is in order")
    synonyms: Texts_ = Field(
        (), description="Other headers that mean this column; case, blanks and brackets do not matter"
    )
    terms: Mapping[str, Texts_] = Field({}, description="House term -> other spellings")
    keys: Mapping[str, Texts_] = Field({}, description="type pairs: allowed keys -> other spellings")
    extensible: bool = Field(
        False, description="Values outside `terms` are kept (TRM-002 note) instead of refused (TRM-001)"
    )
    min: Number | None = None
    max: Number | None = None
    unit: str | None = Field(None, description="Unit the numbers are read into")
    units: Mapping[str, Number] = Field({}, description="Unit in the cell or header -> factor to `unit`")
    unit_column: str | None = Field(None, description="House column that holds the unit of this number")
    default: str | None = Field(None, description="What a blank means")
    blanks: Texts_ = Field((), description="Words that mean the same as a blank here, beside `missing_words`")
    silent_blank: str | None = Field(None, description="Check that owns a blank here, so that STR-009 stays silent")
    silent_where: Mapping[str, Texts_] = Field({}, description="`silent_blank` holds only in rows with these values")
    full_date: str | None = Field(
        None, description="How a partial date here is imputed, for DAT-003: never, diagnosis, death, …"
    )
    order: Literal["DMY", "MDY", "YMD"] | None = None
    future_ok: bool = False
    codelist: str | None = None
    label: str = ""


class Sheet(Node):
    """One sheet of the upload: the table it holds and its columns by canonical header."""

    holds: str = Field(description="House table, e.g. visits")
    mandatory: bool = True
    synonyms: Texts_ = ()
    key: Texts_ = Field((), description="Natural key, house columns (STR-006)")
    treated_need: bool = Field(False, description="Every treated subject needs a row here (STR-007)")
    columns: Mapping[str, Column]
