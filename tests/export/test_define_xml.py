"""define.xml: valid against the XSD, says what the data hold, same input same bytes, opens as a page."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from cdiscx.export.define_read import declared
from cdiscx.export.define_types import Storage, storage
from cdiscx.export.define_xml import (
    Document,
    StudyFacts,
    dangling,
    define_bytes,
    define_findings,
    define_page,
    schema_problems,
    write_define,
)
from cdiscx.model.dataset import Codelist, Dataset, Term, ValueLevel, Variable
from cdiscx.model.errors import ExportError, UploadError

STAMP = datetime(2024, 5, 1, 12, 30)
STUDY = StudyFacts("ABC-1", "A study of <x> & y", notes=("Data cut-off 2024-04-30.",))
NS = {"o": "http://www.cdisc.org/ns/odm/v1.3", "d": "http://www.cdisc.org/ns/def/v2.1"}
DEF = "{http://www.cdisc.org/ns/def/v2.1}"


def _plain(*names: str) -> tuple[Variable, ...]:
    return tuple(Variable(n, f"Label of {n}", core="Req") for n in names)


def _tr() -> Dataset:
    variables = (
        *_plain("STUDYID", "DOMAIN", "USUBJID"),
        Variable("TRSEQ", "Sequence Number", "integer", "Req", "Identifier", origin="Derived"),
        Variable("TRTESTCD", "Test Code", core="Req", codelist="C96779"),
        Variable("TRTEST", "Test Name", core="Req", codelist="C96778"),
        Variable("TRORRES", "Result as Collected", core="Exp", origin="Collected", source="Investigator"),
        Variable("TRORRESU", "Unit", core="Exp", codelist="C71620", origin="Collected", source="Investigator"),
        Variable("TRSTRESC", "Standard Result", core="Exp", codelist="C124309", origin="Derived", method="To mm."),
        Variable("TRSTRESN", "Numeric Result", "float", "Exp", origin="Derived", method="To mm."),
        Variable("TRREASND", "Reason Not Done", core="Perm"),
        Variable("TRDTC", "Date", "isodate", "Exp", origin="Collected", source="Investigator"),
    )
    frame = pl.DataFrame(
        {
            "STUDYID": ["ABC-1"] * 4,
            "DOMAIN": ["TR"] * 4,
            "USUBJID": ["ABC-1-01-001"] * 4,
            "TRSEQ": [1, 2, 3, 4],
            "TRTESTCD": ["LDIAM", "LDIAM", "TUMSTATE", "PVFLWIND"],
            "TRTEST": ["Longest Diameter", "Longest Diameter", "Tumor State", "Portal Flow Restored Indicator"],
            "TRORRES": ["6.25", "3", "PRESENT", "Y"],
            "TRORRESU": ["cm", "mm", None, None],
            "TRSTRESC": ["62.5", "3", "PRESENT", "Y"],
            "TRSTRESN": [62.5, 3.0, None, None],
            "TRREASND": [None] * 4,
            "TRDTC": ["2024-01-02", "2024-02", "2024-01-02", "2024-01-02"],
        },
        schema_overrides={"TRREASND": pl.String},
    )
    return Dataset("TR", "Tumor/Lesion Results", "Findings", "One record per measurement", ("USUBJID", "TRTESTCD", "TRDTC"), variables, frame)  # fmt: skip


def _supp() -> Dataset:
    names = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL", "QORIG")
    row = ("ABC-1", "TR", "ABC-1-01-001", "TRSEQ", "1", "TRSLTHK", "Slice Thickness", "5", "Collected")
    frame = pl.DataFrame([row], schema=list(names), orient="row")
    return Dataset("SUPPTR", "Supplemental Qualifiers for TR", "Relationship", "One record per qualifier", ("USUBJID", "IDVAR", "IDVARVAL", "QNAM"), _plain(*names), frame)  # fmt: skip


def _adtte() -> Dataset:
    variables = (
        *_plain("STUDYID", "USUBJID", "PARAMCD", "PARAM"),
        Variable("AVAL", "Analysis Value", "float", "Req", origin="Derived", method="ADT - STARTDT + 1"),
        Variable("ADT", "Analysis Date", "date", "Req", origin="Derived", method="See PARAMCD."),
        Variable("CNSR", "Censor", "integer", "Cond", codelist="CNSR", origin="Derived", method="0 event."),
        Variable("AGE", "Age", "integer", origin="Predecessor", predecessor="ADSL.AGE"),
        Variable("EVNTDESC", "Event or Censoring Description", origin="Assigned"),
    )
    frame = pl.DataFrame(
        {
            "STUDYID": ["ABC-1"] * 2,
            "USUBJID": ["ABC-1-01-001"] * 2,
            "PARAMCD": ["OS", "PFS"],
            "PARAM": ["Overall Survival", "Progression-Free Survival"],
            "AVAL": [100.0, 50.0],
            "ADT": [date(2024, 3, 1), date(2024, 2, 1)],
            "CNSR": [1, 0],
            "AGE": [60, 60],
            "EVNTDESC": ["NO EVENT", "DEATH"],
        }
    )
    level = ValueLevel(
        "AVAL", (("PARAMCD", "EQ", ("OS",)),), "Overall Survival", "float", None, "Derived", "Sponsor", "Death."
    )
    unseen = ValueLevel("AVAL", (("PARAMCD", "EQ", ("DFS",)),), "Disease-Free Survival", "float")
    return Dataset("ADTTE", "Time to Event", "BASIC DATA STRUCTURE", "One record per subject per parameter", ("USUBJID", "PARAMCD"), variables, frame, "ADaMIG 1.3", "TIME-TO-EVENT", (level, unseen))  # fmt: skip


CENSOR = Codelist("CNSR", "Censor", (Term("0", "Event"), Term("1", "No event"), Term("2", "No assessment")))


def _root(*datasets: Dataset, lists: dict[str, Codelist] | None = None) -> etree._Element:
    content = define_bytes(datasets, lists or {}, STUDY, stamp=STAMP)
    assert schema_problems(content) == []
    assert dangling(content) == []
    return etree.fromstring(content)


def _one(root: etree._Element, path: str) -> etree._Element:
    found = root.findall(path, NS)
    assert len(found) == 1, path
    return found[0]


def test_sdtm_and_adam_documents_are_valid_against_the_schema() -> None:
    _root(_tr(), _supp())
    _root(_adtte(), lists={"CNSR": CENSOR})


def test_the_same_input_gives_the_same_bytes_and_another_stamp_changes_one_line() -> None:
    first = define_bytes((_tr(),), {}, STUDY, stamp=STAMP)
    assert first == define_bytes((_tr(),), {}, STUDY, stamp=STAMP)
    later = define_bytes((_tr(),), {}, STUDY, stamp=datetime(2025, 1, 1))
    assert sum(a != b for a, b in zip(first.splitlines(), later.splitlines(), strict=True)) == 1


def test_standards_name_the_guide_and_only_the_packages_in_use() -> None:
    found = [
        (s.get("Name"), s.get("PublishingSet"), s.get("Version")) for s in _root(_tr()).iterfind(".//d:Standard", NS)
    ]
    assert found == [("SDTMIG", None, "3.4"), ("CDISC/NCI", "SDTM", "2025-03-28")]
    found = [s.get("Name") for s in _root(_adtte(), lists={"CNSR": CENSOR}).iterfind(".//d:Standard", NS)]
    assert found == ["ADaMIG"]


def test_keys_classes_and_leafs_are_those_of_the_dataset() -> None:
    root = _root(_tr(), _supp())
    group = _one(root, ".//o:ItemGroupDef[@OID='IG.TR']")
    keys = {r.get("ItemOID"): r.get("KeySequence") for r in group.iterfind("o:ItemRef[@KeySequence]", NS)}
    assert keys == {"IT.TR.USUBJID": "1", "IT.TR.TRTESTCD": "2", "IT.TR.TRDTC": "3"}
    assert _one(group, "d:Class").get("Name") == "FINDINGS"
    assert _one(group, "d:leaf").get("{http://www.w3.org/1999/xlink}href") == "tr.xpt"
    supplement = _one(root, ".//o:ItemGroupDef[@OID='IG.SUPPTR']")
    assert (supplement.get("Domain"), supplement.get("Purpose")) == ("TR", "Tabulation")


def test_a_time_to_event_dataset_has_its_subclass_and_no_domain() -> None:
    group = _one(_root(_adtte(), lists={"CNSR": CENSOR}), ".//o:ItemGroupDef")
    assert _one(group, "d:Class/d:SubClass").get("Name") == "TIME-TO-EVENT"
    assert (group.get("Domain"), group.get("Purpose")) == (None, "Analysis")


def test_a_numeric_date_is_an_integer_shown_as_a_date() -> None:
    item = _one(_root(_adtte(), lists={"CNSR": CENSOR}), ".//o:ItemDef[@OID='IT.ADTTE.ADT']")
    assert (item.get("DataType"), item.get("Length"), item.get(f"{DEF}DisplayFormat")) == ("integer", "5", "DATE9.")


def test_value_level_metadata_follow_the_test_codes_with_their_own_type_and_label() -> None:
    root = _root(_tr())
    diameter = _one(root, ".//o:ItemDef[@OID='IT.TR.TRORRES.LDIAM']")
    state = _one(root, ".//o:ItemDef[@OID='IT.TR.TRORRES.TUMSTATE']")
    assert (diameter.get("DataType"), diameter.get("Length"), diameter.get("SignificantDigits")) == ("float", "3", "2")
    assert (state.get("DataType"), state.get("Length")) == ("text", "7")
    assert _one(state, "o:Description/o:TranslatedText").text == "Tumor State"
    clause = _one(root, ".//d:WhereClauseDef[@OID='WC.TR.TRTESTCD.LDIAM']/o:RangeCheck")
    assert (clause.get("Comparator"), clause.get(f"{DEF}ItemOID")) == ("EQ", "IT.TR.TRTESTCD")


def test_a_test_that_stands_in_two_categories_has_a_condition_on_the_category() -> None:
    base = _tr()
    variables = (*base.variables, Variable("TRCAT", "Category", core="Perm"))
    frame = base.frame.with_columns(pl.Series("TRCAT", ["A", "B", "A", "A"]))
    root = _root(base.with_(variables=variables, frame=frame))
    assert len(root.findall(".//d:WhereClauseDef[@OID='WC.TR.TRTESTCD.LDIAM.TRCAT.B']/o:RangeCheck", NS)) == 2


def test_supplemental_values_are_described_by_qnam() -> None:
    item = _one(_root(_tr(), _supp()), ".//o:ItemDef[@OID='IT.SUPPTR.QVAL.TRSLTHK']")
    assert _one(item, "o:Description/o:TranslatedText").text == "Slice Thickness"
    assert _one(item, "d:Origin").get("Type") == "Collected"


def test_given_value_levels_without_a_record_are_left_out() -> None:
    root = _root(_adtte(), lists={"CNSR": CENSOR})
    assert [r.get("ItemOID") for r in root.iterfind(".//d:ValueListDef/o:ItemRef", NS)] == ["IT.ADTTE.AVAL.OS"]
    method = _one(root, ".//d:ValueListDef/o:ItemRef").get("MethodOID")
    assert _one(root, f".//o:MethodDef[@OID='{method}']/o:Description/o:TranslatedText").text == "Death."


def test_a_big_extensible_list_shows_the_terms_used_with_their_codes_and_marks_the_sponsors() -> None:
    found = _one(_root(_tr()), ".//o:CodeList[@OID='CL.C96779.LDIAM.TUMSTATE.PVFLWIND']")
    items = {i.get("CodedValue"): i for i in found.iterfind("o:CodeListItem", NS)}
    assert list(items) == ["LDIAM", "TUMSTATE", "PVFLWIND"]
    assert items["PVFLWIND"].get(f"{DEF}ExtendedValue") == "Yes"
    assert items["LDIAM"].get(f"{DEF}ExtendedValue") is None
    assert _one(items["LDIAM"], "o:Alias").get("Name", "").startswith("C")
    assert _one(items["LDIAM"], "o:Decode/o:TranslatedText").text == "Longest Diameter"
    assert found.find("o:Alias", NS).get("Name") == "C96779"


def test_a_sponsor_list_shows_all_its_terms_and_belongs_to_no_standard() -> None:
    found = _one(_root(_adtte(), lists={"CNSR": CENSOR}), ".//o:CodeList[@OID='CL.CNSR']")
    assert [i.get("CodedValue") for i in found.iterfind("o:CodeListItem", NS)] == ["0", "1", "2"]
    assert (found.get(f"{DEF}IsNonStandard"), found.get("DataType")) == ("Yes", "integer")


def test_a_predecessor_names_the_variable_it_copies() -> None:
    origin = _one(_root(_adtte(), lists={"CNSR": CENSOR}), ".//o:ItemDef[@OID='IT.ADTTE.AGE']/d:Origin")
    assert origin.get("Type") == "Predecessor"
    assert _one(origin, "o:Description/o:TranslatedText").text == "ADSL.AGE"


def test_an_empty_variable_and_an_empty_dataset_say_so_and_why() -> None:
    root = _root(_tr(), _supp().with_(frame=_supp().frame.clear()))
    reference = _one(root, ".//o:ItemRef[@ItemOID='IT.TR.TRREASND']")
    assert reference.get(f"{DEF}HasNoData") == "Yes"
    assert _one(root, ".//o:ItemDef[@OID='IT.TR.TRREASND']").get(f"{DEF}CommentOID") == "COM.NO_DATA"
    assert _one(root, ".//o:ItemGroupDef[@OID='IG.SUPPTR']").get(f"{DEF}HasNoData") == "Yes"


def test_a_derived_variable_of_every_domain_gets_the_general_method() -> None:
    root = _root(_tr())
    method = _one(root, ".//o:ItemRef[@ItemOID='IT.TR.TRSEQ']").get("MethodOID")
    assert "within USUBJID" in (_one(root, f".//o:MethodDef[@OID='{method}']//o:TranslatedText").text or "")


def test_equal_method_texts_are_one_method() -> None:
    root = _root(_tr())
    one = _one(root, ".//o:ItemRef[@ItemOID='IT.TR.TRSTRESC']").get("MethodOID")
    other = _one(root, ".//o:ItemRef[@ItemOID='IT.TR.TRSTRESN']").get("MethodOID")
    assert one == other is not None


def test_documents_and_notes_are_linked_from_the_study() -> None:
    study = StudyFacts(
        "ABC-1", "T", documents=(Document("acrf.pdf", "Annotated CRF", True), Document("sap.pdf", "SAP"))
    )
    content = define_bytes((_tr(),), {}, study, stamp=STAMP)
    assert schema_problems(content) == []
    assert dangling(content) == []
    root = etree.fromstring(content)
    assert len(root.findall(".//d:AnnotatedCRF/d:DocumentRef", NS)) == 1
    assert len(root.findall(".//d:SupplementalDoc/d:DocumentRef", NS)) == 1


def test_a_broken_document_is_told_by_line_and_by_reference() -> None:
    content = define_bytes((_tr(),), {}, STUDY, stamp=STAMP)
    wrong = content.replace(b'Comparator="EQ"', b'Comparator="SAME"', 1)
    assert any(p.startswith("line ") and "SAME" in p for p in schema_problems(wrong))
    lost = content.replace(b'ItemDef OID="IT.TR.TRDTC"', b'ItemDef OID="IT.TR.OTHER"', 1)
    assert dangling(lost) == ["IT.TR.TRDTC is referred to but not defined"]


def test_nothing_is_written_when_the_document_would_not_be_valid(tmp_path: Path) -> None:
    bad = _tr().with_(klass="Nonsense Class")
    with pytest.raises(ExportError, match="Define-XML"):
        write_define((bad,), {}, STUDY, tmp_path / "define.xml", stamp=STAMP)
    assert list(tmp_path.iterdir()) == []


def test_a_control_character_is_an_export_error() -> None:
    with pytest.raises(ExportError, match="control character"):
        define_bytes((_tr().with_(label="a\x02b"),), {}, STUDY, stamp=STAMP)


def test_the_page_shows_datasets_methods_and_the_escaped_title(tmp_path: Path) -> None:
    path = write_define((_tr(), _supp()), {}, STUDY, tmp_path / "define.xml", stamp=STAMP)
    assert {p.name for p in tmp_path.iterdir()} == {"define.xml", "define.html", "define2-1.xsl"}
    assert b'<?xml-stylesheet type="text/xsl" href="define2-1.xsl"?>' in path.read_bytes()
    page = define_page(path.read_bytes()).decode()
    assert "A study of &lt;x&gt; &amp; y" in page
    assert 'href="#IG.SUPPTR"' in page
    assert "http://" not in page.replace("about:legacy-compat", "")
    assert "https://" not in page


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["2024-01-02", None], "isodate", Storage("date")),
        (["2024-01", "2024-01-02"], "isodate", Storage("partialDate")),
        (["2024-01-02T10:30"], "isodate", Storage("datetime")),
        (["2024-01-02T10:30", "2024-01-02"], "isodate", Storage("partialDatetime")),
        (["2024---15"], "isodate", Storage("incompleteDatetime")),
        ([], "isodate", Storage("date")),
        ([None, None], "text", Storage("text", 1)),
        (["a", "äb"], "text", Storage("text", 3)),
        ([1, -123], "integer", Storage("integer", 3)),
        ([1.0, 12.0], "float", Storage("integer", 2)),
        ([1.25, 100.5], "float", Storage("float", 5, 2)),
        ([-0.5], "float", Storage("float", 2, 1)),
    ],
)
def test_types_and_lengths_are_measured_on_the_values(values: list[object], kind: str, expected: Storage) -> None:
    types = {"isodate": pl.String, "text": pl.String, "integer": pl.Int64, "float": pl.Float64}
    assert storage(pl.Series(values, dtype=types[kind]), kind) == expected  # type: ignore[arg-type]


def test_a_duration_is_told_by_name_and_value() -> None:
    assert storage(pl.Series(["P28D", "PT2H"]), "text", name="TEDUR") == Storage("durationDatetime")
    assert storage(pl.Series(["P28D", "long"]), "text", name="TEDUR") == Storage("text", 4)


def test_a_value_outside_a_closed_list_is_an_error_but_multiple_is_accepted() -> None:
    base = _supp()
    flag = Variable("QORIG", "Flag", core="Req", codelist="C66742")
    wrong = base.with_(variables=tuple(flag if v.name == "QORIG" else v for v in base.variables))
    found = [(f.check_id, f.value) for f in define_findings((wrong,), {})]
    assert found == [("DEF-004", "Collected")]
    several = wrong.with_(frame=wrong.frame.with_columns(pl.lit("MULTIPLE").alias("QORIG")))
    assert define_findings((several,), {}) == []


def test_a_derived_variable_without_a_method_and_an_unnamed_predecessor_are_findings() -> None:
    base = _adtte()
    variables = tuple(
        Variable("AVAL", "Analysis Value", "float", origin="Derived")
        if v.name == "AVAL"
        else Variable("AGE", "Age", "integer", origin="Predecessor")
        if v.name == "AGE"
        else v
        for v in base.variables
    )
    found = define_findings((base.with_(variables=variables),), {"CNSR": CENSOR})
    assert [(f.check_id, f.column) for f in found] == [("DEF-001", "AVAL"), ("DEF-002", "AGE")]


def test_what_a_define_declares_can_be_read_back(tmp_path: Path) -> None:
    path = write_define((_tr(), _supp()), {}, STUDY, tmp_path / "define.xml", stamp=STAMP, page=False)
    found = declared(path)
    assert found.keys["TR"] == ("USUBJID", "TRTESTCD", "TRDTC")
    assert [(t.value, t.extended) for t in found.codelists["C96779"].terms] == [
        ("LDIAM", False),
        ("TUMSTATE", False),
        ("PVFLWIND", True),
    ]
    assert found.codelists["QNAM"].terms[0].decode == "Slice Thickness"


@pytest.mark.parametrize("text", ["no xml", "<a/>"])
def test_what_is_no_define_is_an_upload_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "define.xml"
    path.write_text(text)
    with pytest.raises(UploadError, match="is no"):
        declared(path)


@pytest.mark.parametrize(
    ("of", "was", "becomes", "said"),
    [
        ("ItemGroupDef", r' Name="TR"', "", "has no Name"),
        ("ItemDef", r' Name="USUBJID"', "", "has no Name"),
        ("CodeListItem", r' CodedValue="LDIAM"', "", "has no CodedValue"),
        ("ItemRef", r'KeySequence="\d+"', 'KeySequence="first"', "no whole number"),
        ("ItemRef", r'KeySequence="\d+"', 'KeySequence="' + "x" * 5000 + '"', "no whole number"),
    ],
)
def test_a_define_without_a_required_attribute_is_refused_in_one_line(
    tmp_path: Path, of: str, was: str, becomes: str, said: str
) -> None:
    path = write_define((_tr(), _supp()), {}, STUDY, tmp_path / "define.xml", stamp=STAMP, page=False)
    whole = path.read_text(encoding="utf-8")
    broken = re.sub(rf"(<{of}\b[^>]*?){was}", rf"\g<1>{becomes}", whole)
    assert broken != whole
    path.write_text(broken, encoding="utf-8")
    with pytest.raises(UploadError, match=said) as refused:
        declared(path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400
