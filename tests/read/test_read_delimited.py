"""Delimited text, in the encodings and with the separators that sites use, as files, folders and zips."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from read_packages import first, grid, sheet_named

from cdiscx.model.errors import UploadError
from cdiscx.read import read_upload, read_uploads

TABLE = "Subject ID,Visit,Diameter\n007,基线,3.2\n008, WEEK 3 ,\n"
CELLS = {
    "A1": ("Subject ID", "text"),
    "B1": ("Visit", "text"),
    "C1": ("Diameter", "text"),
    "A2": ("007", "text"),
    "B2": ("基线", "text"),
    "C2": ("3.2", "text"),
    "A3": ("008", "text"),
    "B3": (" WEEK 3 ", "text"),
}


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("gb18030", b""),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_separator_and_line_end_gives_the_same_cells(
    tmp_path: Path, encoding: str, mark: bytes, separator: str, end: str
) -> None:
    text = TABLE.replace(",", separator).replace("\n", end)
    (tmp_path / "Visits.csv").write_bytes(mark + text.encode(encoding))
    assert first(tmp_path / "Visits.csv") == CELLS


def test_an_encoding_that_is_none_of_these_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("Name,Größe \n".encode("latin-1") + b"\xff,\x80\n")
    with pytest.raises(UploadError, match=r"a\.csv is in an encoding that cannot be told.*CSV UTF-8"):
        read_upload(tmp_path / "a.csv")


def test_the_sheet_is_named_like_the_file_and_a_foreign_encoding_is_noted(tmp_path: Path) -> None:
    (tmp_path / "Adverse Events.csv").write_bytes(TABLE.encode("gb18030"))
    upload = read_upload(tmp_path / "Adverse Events.csv")
    assert [sheet.sheet for sheet in upload.sheets] == ["Adverse Events"]
    assert upload.notes == ("Adverse Events.csv: read as GB18030",)


def test_a_decimal_comma_does_not_pass_for_the_separator(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Banner\nid;x;y\n1;3,2;4,5\n2;1,1;2,2\n", encoding="utf-8")
    assert first(tmp_path / "a.csv")["B3"] == ("3,2", "text")


def test_quotes_keep_separators_line_breaks_and_quotes_inside_a_cell(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n"x, ""y""\nz",2\n3,4\n', encoding="utf-8")
    assert first(tmp_path / "a.csv") == {
        "A1": ("a", "text"),
        "B1": ("b", "text"),
        "A2": ('x, "y"\nz', "text"),
        "B2": ("2", "text"),
        "A3": ("3", "text"),
        "B3": ("4", "text"),
    }


def test_ragged_rows_neither_shift_nor_lose_a_value(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b,c\n1\n\n1,2,3,4,5\n,,3\n", encoding="utf-8")
    cells = {place: text for place, (text, _) in first(tmp_path / "a.csv").items()}
    assert cells == {
        "A1": "a", "B1": "b", "C1": "c", "A2": "1", "A4": "1", "B4": "2", "C4": "3", "D4": "4", "E4": "5", "C5": "3",
    }  # fmt: skip


def test_a_quote_that_is_never_closed_is_refused_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,"2\n3,4\n', encoding="utf-8")
    with pytest.raises(UploadError, match=r"a\.csv: the quote opened in row 2 is never closed"):
        read_upload(tmp_path / "a.csv")


def test_text_after_a_closing_quote_is_kept_with_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n"1"x,2\n', encoding="utf-8")
    upload = read_upload(tmp_path / "a.csv")
    assert grid(upload.sheets[0])["A2"] == ("1x", "text")
    assert "row 2" in upload.notes[0]


def test_the_separator_line_that_excel_writes_is_no_data(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\na;b\n1,5;2\n", encoding="utf-8")
    cells = first(tmp_path / "a.csv")
    assert "A1" not in cells
    assert cells["A3"] == ("1,5", "text")


def fill(folder: Path) -> None:
    folder.mkdir()
    (folder / "Visits.csv").write_text(TABLE, encoding="utf-8")
    (folder / "Labs.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    (folder / "notes.docx").write_bytes(b"PK")
    (folder / ".DS_Store").write_bytes(b"x")


def test_a_folder_of_csv_is_one_upload_with_a_sheet_a_file(tmp_path: Path) -> None:
    fill(tmp_path / "site-01")
    (tmp_path / "site-01" / "Outside.csv").symlink_to(tmp_path / "elsewhere.csv")
    upload = read_upload(tmp_path / "site-01")
    assert upload.name == "site-01"
    assert [sheet.sheet for sheet in upload.sheets] == ["Labs", "Visits"]
    assert {sheet.file for sheet in upload.sheets} == {"site-01"}
    assert grid(sheet_named(upload, "Visits")) == CELLS
    assert upload.notes == (
        "site-01/Outside.csv: a link, ignored",
        "site-01/notes.docx: not a .csv file, ignored",
    )
    again = read_upload(tmp_path / "site-01")
    assert again.sha256 == upload.sha256
    (tmp_path / "site-01" / "Labs.csv").write_text("a;b\n1;3\n", encoding="utf-8")
    assert read_upload(tmp_path / "site-01").sha256 != upload.sha256


def test_a_zip_of_csv_is_read_and_what_else_lies_in_it_is_noted(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "site.zip", "w") as made:
        made.writestr("export/Visits.csv", TABLE)
        made.writestr("../../etc/Labs.csv", "stolen")
        made.writestr("/root/Labs.csv", "stolen")
        made.writestr("C:\\Labs.csv", "stolen")
        made.writestr("inner.zip", b"PK\x03\x04")
        made.writestr("__MACOSX/._Visits.csv", "x")
    upload = read_upload(tmp_path / "site.zip")
    assert [sheet.sheet for sheet in upload.sheets] == ["Visits"]
    assert grid(upload.sheets[0]) == CELLS
    assert len(upload.notes) == 4
    assert sum("leads out of the zip" in note for note in upload.notes) == 3
    assert "site.zip/inner.zip: not a .csv file, ignored" in upload.notes
    assert not (tmp_path / "etc").exists()


def test_chinese_names_in_an_old_zip_are_read_as_written(tmp_path: Path) -> None:
    name = "访视.csv".encode("gb18030")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("x" * len(name), TABLE)
    data = (tmp_path / "a.zip").read_bytes().replace(b"x" * len(name), name)
    (tmp_path / "a.zip").write_bytes(data)
    assert read_upload(tmp_path / "a.zip").sheets[0].sheet == "访视"


def test_a_zip_or_folder_without_csv_says_what_it_holds(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("site.xlsx", b"x")
    with pytest.raises(UploadError, match=r"a\.zip holds no \.csv file \(it holds site\.xlsx\)"):
        read_upload(tmp_path / "a.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UploadError, match=r"empty holds no \.csv file; put the sheets in it"):
        read_upload(tmp_path / "empty")


def test_two_files_for_one_sheet_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr("one/Visits.csv", "a")
        made.writestr("two/Visits.csv", "b")
    with pytest.raises(UploadError, match="two files for the sheet 'Visits'"):
        read_upload(tmp_path / "a.zip")


def test_uploads_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Visits.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "Labs.csv").write_text(TABLE, encoding="utf-8")
    paths = [tmp_path / "north" / "Visits.csv", tmp_path / "Labs.csv", tmp_path / "south" / "Visits.csv"]
    uploads = read_uploads(paths)
    assert [upload.name for upload in uploads] == ["north/Visits.csv", "Labs.csv", "south/Visits.csv"]
    assert [upload.sheets[0].file for upload in uploads] == [upload.name for upload in uploads]
    with pytest.raises(UploadError, match="given twice"):
        read_uploads([paths[0], paths[0]])
