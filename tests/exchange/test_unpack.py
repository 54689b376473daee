"""Archives that were made to do harm are refused in one sentence, before anything is unpacked."""

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.exchange.layout import MB, RECORDS, ArchiveError, RunLimits
from core.exchange.unpack import opened

SMALL = RunLimits(archive=2 * MB, total=4 * MB, entries=20, directory=4096, table=1000, text=1000, ratio=50)
Entries = list[tuple[zipfile.ZipInfo | str, bytes]]


def zipped(entries: Entries, method: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as file:
        for name, data in entries:
            if isinstance(name, zipfile.ZipInfo):
                name.compress_type = method
            file.writestr(name, data)
    return content.getvalue()


def records() -> Entries:
    return [(name, b"{}") for name in RECORDS]


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def refused(data: bytes | Path, words: str, limits: RunLimits = SMALL) -> None:
    with pytest.raises(ArchiveError, match=words) as caught, opened(data, limits):
        pass
    message = str(caught.value)
    assert message.endswith(": export the run again, and import that file as it is.")
    assert message.count("\n") == 0
    assert len(message) < 250


def test_a_plain_archive_is_read(tmp_path):
    data = zipped([*records(), ("notes.txt", "ü".encode()), ("weights/", b"")], zipfile.ZIP_DEFLATED)
    (tmp_path / "run.zip").write_bytes(data)
    for source in (data, tmp_path / "run.zip"):
        with opened(source, SMALL) as archive:
            assert archive.names == {*RECORDS, "notes.txt"}
            assert archive.text("run.json") == "{}"
            assert archive.text("notes.txt") == "ü"


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "weights/../../evil.txt",
        "/etc/passwd",
        "..",
        "C:\\evil.txt",
        "c:evil.txt",
        "..\\evil.txt",
        "weights\\..\\..\\evil",
        "new\nline",
        "bell\a",
        "x" * 201,
        "\u202egnp.exe",
    ],
)
def test_names_that_lead_elsewhere_are_refused(name):
    refused(zipped([*records(), (name, b"x")]), "name or a link")


def test_a_name_that_hides_its_end_is_refused():
    data = zipped([*records(), ("evil.txtXZ", b"x")]).replace(b"evil.txtXZ", b"evil.txt\0Z")
    refused(data, "name or a link|damaged")


def test_links_are_refused():
    refused(zipped([*records(), (link("weights/latest.safetensors"), b"/etc/passwd")]), "name or a link")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["run.json", "RUN.JSON"])
def test_a_name_that_comes_twice_is_refused(name):
    refused(zipped([*records(), (name, b"{}")]), "same name")


@pytest.mark.parametrize("name", RECORDS)
def test_a_missing_record_is_named(name):
    refused(zipped([entry for entry in records() if entry[0] != name]), f"{name} is missing")


def test_a_bomb_is_refused_by_what_it_declares():
    zeros = [*records(), ("weights/latest.safetensors", bytes(3 * MB))]
    refused(zipped(zeros, zipfile.ZIP_DEFLATED), "far more than it seems")
    with opened(zipped(zeros, zipfile.ZIP_DEFLATED), replace(SMALL, ratio=2000)):
        pass
    refused(zipped([*records(), *((f"{n}", bytes(MB)) for n in range(5))], zipfile.ZIP_DEFLATED), "more room", SMALL)


def test_a_bomb_that_lies_about_its_size_does_not_get_further_than_it_said():
    honest = zipped([*records(), ("big.txt", bytes(900_000))], zipfile.ZIP_DEFLATED)
    place = honest.rfind(b"PK\x01\x02")  # the last entry of the table of contents: its size stands at 24
    lying = honest[: place + 24] + struct.pack("<L", 500) + honest[place + 28 :]
    with pytest.raises(ArchiveError, match="damaged"), opened(lying, SMALL) as archive:
        archive.text("big.txt")


def test_a_record_that_is_too_long_is_refused_before_and_while_it_is_read():
    refused(zipped([("run.json", b" " * 1001), *records()[3:], *records()[:2]]), "run.json is too large")
    target = io.BytesIO()
    with opened(zipped([*records(), ("notes.txt", b"x" * 5000)]), SMALL) as archive:
        with pytest.raises(ArchiveError, match=r"notes.txt is too large"):
            archive.copy("notes.txt", target, 4000)
        with pytest.raises(ArchiveError, match=r"notes.txt is too large"):
            archive.text("notes.txt")
    assert target.getvalue() == b""


def test_text_has_to_be_utf8():
    data = zipped([*records(), ("notes.txt", b"\xff\xfe\x00")])
    with pytest.raises(ArchiveError, match="UTF-8"), opened(data, SMALL) as archive:
        archive.text("notes.txt")


def test_too_many_files_are_refused_without_reading_a_huge_table_of_contents():
    refused(zipped([*records(), *((f"{n}", b"") for n in range(20))]), "26 files")
    refused(zipped([*records(), *((f"{n}" * 20, b"") for n in range(200))]), "far more files")


def test_a_table_of_contents_in_the_format_for_huge_archives_is_refused():
    data = zipped(records())
    end = data.rfind(b"PK\x05\x06")
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    refused(data[:end] + locator + data[end:], "far more files")


def test_an_archive_over_the_limit_is_refused(tmp_path):
    data = zipped([*records(), ("big", bytes(2 * MB))])
    (tmp_path / "run.zip").write_bytes(data)
    for source in (data, tmp_path / "run.zip"):
        refused(source, "2 MB and the limit is 2 MB")


def test_files_that_share_their_bytes_are_refused():
    data = zipped([*records(), ("aaaa", b"x" * 3000), ("bbbb", b"y" * 3000)])
    place = data.rfind(b"PK\x01\x02")  # bbbb in the table of contents: its sizes stand at 20 and 24, its place at 42
    claims = data[: place + 20] + struct.pack("<LL", 9000, 9000) + data[place + 28 :]
    refused(claims, "overlap")
    first = struct.pack("<L", data.find(b"aaaa") - 30)
    shared = data[: place + 42] + first + data[place + 46 :]
    with pytest.raises(ArchiveError, match="damaged"), opened(shared, SMALL) as archive:
        archive.copy("bbbb", io.BytesIO(), 5000)


def test_a_locked_archive_is_refused():
    data = bytearray(zipped(records()))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := data.find(mark, place + 1)) >= 0:
            data[place + flags] |= 1
    refused(bytes(data), "password")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(method):
    refused(zipped(records(), method), "packed in a way")


def test_every_cut_and_every_changed_byte_ends_in_a_sentence_or_in_the_same_content():
    data = zipped(records(), zipfile.ZIP_DEFLATED)

    def read(changed: bytes) -> None:
        try:
            with opened(changed, SMALL) as archive:
                assert [archive.text(name) for name in RECORDS] == ["{}"] * len(RECORDS)
        except ArchiveError:
            pass

    for length in range(0, len(data), 7):
        read(data[:length])
    for place in range(0, len(data), 3):
        read(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 5000, b"PK\x05\x06" + bytes(18), bytes(100)])
def test_what_is_no_archive_is_refused(data):
    refused(data, "no zip archive|missing")


def test_a_file_that_is_not_there_is_named(tmp_path):
    refused(tmp_path / "gone.zip", r"gone\.zip cannot be read")


def _again(parts: dict[str, bytes], how: str) -> dict[str, bytes]:
    """Return the files of a run as people pack them again."""
    folder = {f"Ünï run/{name}": data for name, data in parts.items()}
    return {
        "in a folder": folder,
        "in two folders": {f"Downloads/{name}": data for name, data in folder.items()},
        "by the Finder": {"__MACOSX/Ünï run/._run.json": b"x", "Ünï run/.DS_Store": b"\0", "Ünï run/Icon\r": b""}
        | folder,
        "by Windows": {"Thumbs.db": b"x", "desktop.ini": b"x"} | parts,
        "with a note": parts | {"Notizen für später.txt": "größer".encode("latin-1"), "notes/ä.md": b"x"},
    }[how]


@pytest.mark.parametrize("how", ["in a folder", "in two folders", "by the Finder", "by Windows", "with a note"])
def test_a_run_that_was_unpacked_and_packed_again_is_the_same(
    parts: dict[str, bytes], pack: Callable[[dict[str, bytes]], bytes], how: str
) -> None:
    with opened(pack(_again(parts, how)), RunLimits()) as archive:
        assert {"run.json", "spec.json", "weights/latest.safetensors"} <= archive.names
        assert archive.text("run.json").encode() == parts["run.json"]


def test_a_name_in_a_second_folder_does_not_hide_what_leads_out(
    parts: dict[str, bytes], pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    packed = pack({f"run/{key}": data for key, data in parts.items()} | {"run/../../x": b"x"})
    with pytest.raises(ArchiveError), opened(packed, RunLimits()):
        pass
