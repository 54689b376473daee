"""The reader of zip archives: what it says about each violation, and that what it reads is what `zipfile` wrote."""

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest

from core.data.importing.picture_archive import checked_members
from core.data.importing.safezip import MB, Limits, Violation, ZipFault, blocks, content_of, opened, read_directory
from core.errors import DataError
from core.exchange.layout import RECORDS, ArchiveError, RunLimits
from core.exchange.unpack import opened as opened_run
from tests.data.archives import packed

LIMITS = Limits(archive=8 * MB, directory=4096, entries=20, file=4 * MB, total=6 * MB)
FILES = {"a/1.png": bytes(range(256)) * 700, "a/2.png": b"x", "b/empty.png": b""}


def zip64(data: bytes, *, offset: int | None = None, size: int | None = None, record: bool = True) -> bytes:
    """Return an archive with the end of huge ones (APPNOTE.TXT 4.3.14 and 15) before its own, as some programs write
    it for small ones too; `offset` is where its locator leads, `size` what it says of the table of contents."""
    end = data.rfind(b"PK\x05\x06")
    count, length, start = struct.unpack_from("<HLL", data, end + 10)
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size or length, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end if offset is None else offset, 1)
    masked = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return data[:end] + large * record + locator + masked


def violation_of(data: bytes, limits: Limits = LIMITS) -> Violation:
    with pytest.raises(ZipFault) as caught:
        read_directory(io.BytesIO(data), limits)
    return caught.value.violation


@pytest.mark.parametrize("change", [bytes, zip64, lambda data: b"rubbish" * 99 + zip64(data)])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_was_packed_is_read(tmp_path: Path, method: int, change: Callable[[bytes], bytes]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, data in FILES.items():
            file.writestr(name, data)
    (tmp_path / "a.zip").write_bytes(change(content.getvalue()))
    for source in (tmp_path / "a.zip", change(content.getvalue())):
        with opened(source) as archive:
            listed = read_directory(archive, LIMITS).files
            assert {member.name: content_of(archive, member) for member, _ in listed} == FILES
            assert {violation for _, violation in listed} == {None}


def test_both_callers_take_the_format_for_huge_archives() -> None:
    assert [member.name for member in checked_members(zip64(packed(FILES))).files] == ["a/1.png", "a/2.png"]
    with opened_run(zip64(packed(dict.fromkeys(RECORDS, b"{}"))), RunLimits()) as archive:
        assert archive.text("run.json") == "{}"


@pytest.mark.parametrize(
    ("data", "violation"),
    [
        (b"", Violation.DAMAGED),
        (zip64(packed(FILES), record=False), Violation.ZIP64),
        (zip64(packed(FILES), size=5000), Violation.DIRECTORY_SIZE),
        # A locator that leads to a small table while `zipfile` reads the large one before it, and the other way round.
        (zip64(zip64(packed(FILES)), offset=len(packed(FILES)) - 22, size=5000), Violation.DIRECTORY_SIZE),
        (
            zip64(zip64(packed(FILES), size=5000), offset=len(packed(FILES)) - 22, size=100),
            Violation.DIRECTORY_SIZE,
        ),
        (packed({f"{number}": b"" for number in range(21)}), Violation.FILE_COUNT),
        (packed({f"{number}": bytes(MB) for number in range(7)}), Violation.TOTAL_SIZE),
        (bytes(9 * MB), Violation.ARCHIVE_SIZE),
    ],
)
def test_an_archive_that_is_not_read_says_why(data: bytes, violation: Violation) -> None:
    assert violation_of(data) is violation


def test_numbers_beyond_what_files_can_have_are_damage() -> None:
    """A place of 2⁶⁴ - 1 is no place in a file: Python says `OverflowError`."""
    huge = zip64(packed(FILES), offset=2**64 - 1)
    assert len(checked_members(huge).files) == 2
    with opened(huge) as archive:
        member = read_directory(archive, LIMITS).files[0][0]._replace(offset=2**64 - 1)
        with pytest.raises(ValueError, match="packed badly"):
            content_of(archive, member)


def test_a_file_never_gives_more_than_it_claims() -> None:
    with opened(packed({"a": bytes(4 * MB)})) as archive:
        member = read_directory(archive, LIMITS).files[0][0]._replace(size=1000)
        given = []
        with pytest.raises(ValueError, match="not what was packed"):
            given.extend(blocks(archive, member))
    assert sum(map(len, given)) <= 1000


def test_each_limit_matters() -> None:
    data = packed({"A/x": bytes(2 * MB), "a/X": b"x", 'a/"': b"x"})

    def seen(limits: Limits) -> object:
        try:
            return [violation for _, violation in read_directory(io.BytesIO(data), limits).files]
        except ZipFault as fault:
            return fault.violation

    wide = Limits(archive=8 * MB, directory=4096, entries=20, ratio=2000)
    assert seen(wide) == [None, None, None]
    changed = {
        "archive": 100,
        "directory": 50,
        "entries": 1,
        "file": MB,
        "total": MB,
        "ratio": 9,
        "portable_names": True,
    }
    assert set(changed) == {field.name for field in fields(Limits)}
    for name, value in changed.items():
        assert seen(replace(wide, **{name: value})) != seen(wide), name


def test_what_file_managers_leave_hides_nothing_that_leads_out() -> None:
    """Both callers pass over such files, unless their names lead out of the archive."""
    left = {"__MACOSX/._a": b"x", "a/.DS_Store": b"x", "a/Icon\r": b"", "a/Thumbs.db": b"", "a/": b""}
    assert checked_members(packed(left | {"a/1.png": b"x"})).skipped == []
    with opened_run(packed(left | dict.fromkeys(RECORDS, b"{}")), RunLimits()) as archive:
        assert archive.names == set(RECORDS)
    hidden = {"__MACOSX/../../x": b"x"}
    assert [skipped.reason for skipped in checked_members(packed(hidden)).skipped] == [
        "its name leads out of the archive"
    ]
    with (
        pytest.raises(ArchiveError, match="leads out"),
        opened_run(packed(hidden | dict.fromkeys(RECORDS, b"{}")), RunLimits()),
    ):
        pass


def test_a_file_that_is_not_there_is_named_by_both_callers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^The file gone\.zip cannot be read \(No such file"):
        checked_members(tmp_path / "gone.zip")
    with (
        pytest.raises(ArchiveError, match=r"^The file gone\.zip cannot be read"),
        opened_run(tmp_path / "gone.zip", RunLimits()),
    ):
        pass
