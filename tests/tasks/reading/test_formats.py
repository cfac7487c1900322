"""Formats and containers: the same documents from every one, and what is wrong with one is said with its place."""

import csv
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from tasks.errors import UsageError
from tasks.reading.containers import find_format, read_file, strip_suffixes
from tasks.reading.fields import FieldMapping, parse_mapping, read_mapping
from tasks.reading.limits import Limits
from tasks.reading.options import Reading
from tasks.reading.records import BadRecord, Record

ROWS = [
    {"id": "a1", "url": "https://example.org/a", "title": "Bridge", "published_on": "2024-05-14", "text": "One.\nTwo."},
    {"id": "a2", "url": "https://example.org/b", "title": "Café “Harvest”", "published_on": "2024-05-15", "text": "Dört, ünlü."},
]  # fmt: skip
LIMITS = Limits(max_bytes=10_000)


def read(raw: bytes, name: str, **options: Any) -> list[Record | BadRecord]:
    limits = options.pop("limits", LIMITS)
    return list(read_file(io.BytesIO(raw), name, Reading(limits, **options)))


def documents(found: list[Record | BadRecord]) -> list[tuple[str, bytes]]:
    return [(record.part, record.raw) for record in found if isinstance(record, Record)]


def flaws(found: list[Record | BadRecord]) -> list[tuple[str, str]]:
    return [(record.part, record.reject_reason) for record in found if isinstance(record, BadRecord)]


def details(found: list[Record | BadRecord]) -> list[str]:
    return [record.detail for record in found if isinstance(record, BadRecord)]


def to_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def to_csv(rows: list[dict[str, Any]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def to_parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, **options)
    return file.getvalue()


def to_page(row: dict[str, Any], media_type: str = "text/plain; charset=utf-8") -> bytes:
    body = row["text"].encode()
    http = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    return to_warc_record(http, row["url"], row["id"])


def to_warc_record(block: bytes, url: str, key: str, kind: str = "response") -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:{key}>\r\nWARC-Target-URI: {url}\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def to_zip(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in members.items():
            archive.writestr(name, raw)
    return file.getvalue()


def to_tar(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, raw in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    return file.getvalue()


TEXTS = [row["text"].encode() for row in ROWS]


@pytest.mark.parametrize(
    ("raw", "name", "parts"),
    [
        (to_jsonl(ROWS), "n.jsonl", ["a1", "a2"]),
        (b"\xef\xbb\xbf" + to_jsonl(ROWS), "n.ndjson", ["a1", "a2"]),
        (to_csv(ROWS), "n.csv", ["a1", "a2"]),
        (to_csv(ROWS, ";"), "n.CSV", ["a1", "a2"]),
        (to_csv(ROWS, "\t"), "n.tsv", ["a1", "a2"]),
        (to_csv(ROWS, encoding="utf-16"), "n.csv", ["a1", "a2"]),
        (to_parquet(ROWS), "n.parquet", ["a1", "a2"]),
        (to_parquet(ROWS, row_group_size=1), "n.parquet", ["a1", "a2"]),
        (b"".join(map(to_page, ROWS)), "n.warc", ["urn:uuid:a1", "urn:uuid:a2"]),
    ],
)
@pytest.mark.parametrize("pack", ["", ".gz", ".zst", ".zst.gz"])
def test_every_record_format_gives_the_bytes_of_its_texts_also_compressed(
    raw: bytes, name: str, parts: list[str], pack: str
) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}
    for suffix in pack.split(".")[1:]:
        raw = packers[f".{suffix}"](raw)
    found = read(raw, name + pack)
    assert flaws(found) == []
    assert documents(found) == list(zip(parts, TEXTS, strict=True))
    urls = [(record.metadata or {})["url"] for record in found if isinstance(record, Record)]
    assert urls == [row["url"] for row in ROWS]


@pytest.mark.parametrize(
    ("pack", "name"),
    [
        (to_zip, "n.zip"),
        (to_tar, "n.tar"),
        (lambda m: gzip.compress(to_tar(m)), "n.tgz"),
        (lambda m: zstd.compress(to_tar(m)), "n.tar.zst"),
    ],
)
def test_archives_give_their_members_and_archives_in_them(pack: Callable[[dict[str, bytes]], bytes], name: str) -> None:
    members = {
        "x/a.txt": b"A", "b.txt.gz": gzip.compress(b"B"), "n.jsonl": to_jsonl(ROWS), "p.parquet": to_parquet(ROWS),
        "in.zip": to_zip({"c.txt": b"C"}), "in.tar.zst": zstd.compress(to_tar({"d.txt": b"D"})), ".hidden.txt": b"H",
        "__MACOSX/a.txt": b"M", "page.html": b"<p>E",
    }  # fmt: skip
    found = read(pack(members), name)
    assert flaws(found) == []
    assert documents(found) == [
        ("x/a.txt", b"A"), ("b.txt.gz", b"B"), ("n.jsonl#a1", TEXTS[0]), ("n.jsonl#a2", TEXTS[1]),
        ("p.parquet#a1", TEXTS[0]), ("p.parquet#a2", TEXTS[1]), ("in.zip#c.txt", b"C"), ("in.tar.zst#d.txt", b"D"),
        ("page.html", b"<p>E"),
    ]  # fmt: skip


def test_a_format_is_told_by_the_suffix_in_any_case() -> None:
    assert [find_format(name).kind for name in ("A.TXT", "a.warc.gz", "a.HTM.zst", "a.tgz", "a.gz", "a.pdf")] == [
        "text", "warc", "html", "tar", None, None,
    ]  # fmt: skip
    assert [strip_suffixes(name) for name in ("a.b.txt.gz", "A.JSONL", "a.tar")] == ["a.b", "A", "a"]


# Fields


def test_fields_go_by_common_names_in_any_case_and_into_objects() -> None:
    row = {
        "Body": ["One.", "Two."], "Headline": "H", "link": "https://example.org/x", "source": {"name": "The Gazette"},
        "Author": [{"name": "Ana Ek"}, "B. Ott"], "publishedAt": "2024-05-14T22:10:00+02:00",
    }  # fmt: skip
    [record] = read(to_jsonl([row]), "n.jsonl")
    assert isinstance(record, Record)
    assert (record.part, record.raw) == ("1", b"One.\n\nTwo.")
    assert record.metadata == {
        "outlet": "The Gazette", "url": "https://example.org/x", "title": "H", "published_on": "2024-05-14",
        "authors": ["Ana Ek", "B. Ott"],
    }  # fmt: skip


def test_a_mapping_goes_before_the_common_names(tmp_path: Path) -> None:
    path = tmp_path / "fields.toml"
    path.write_text('[fields]\ntext = "data.story"\ntitle = "name"\n', "utf-8")
    raw = to_jsonl([{"text": "no", "title": "no", "data": {"story": "yes"}, "name": "N"}])
    for mapping in (read_mapping(path), parse_mapping(["text=data.story", "title=name"])):
        [record] = read(raw, "n.jsonl", fields=mapping)
        assert isinstance(record, Record)
        assert (record.raw, record.metadata) == (b"yes", {"title": "N"})


@pytest.mark.parametrize("text", ["headline=x", "text", "text="])
def test_a_mapping_that_is_none_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match=r"no role 'headline'|role=field"):
        parse_mapping([text])


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2024-05-14 08:00:00", "2024-05-14"), ("Tue, 14 May 2024 22:10:00 +0200", "2024-05-14"),
        (1715724000, "2024-05-14"), (1715724000000, "2024-05-14"), ("2024-05-14", "2024-05-14"),
    ],
)  # fmt: skip
def test_a_date_may_be_written_in_several_ways(value: object, day: str) -> None:
    [record] = read(to_jsonl([{"text": "T", "date": value}]), "n.jsonl")
    assert isinstance(record, Record)
    assert (record.metadata, record.flaws) == ({"published_on": day}, ())


def test_a_date_of_parquet_is_one_and_the_html_of_a_row_is_read_where_there_is_no_text() -> None:
    [record] = read(to_parquet([{"html": "<p>T", "text": "", "date": date(2024, 5, 14)}]), "n.parquet")
    assert isinstance(record, Record)
    assert (record.raw, record.reader, record.metadata) == (b"<p>T", "html", {"published_on": "2024-05-14"})


def test_a_field_that_cannot_be_used_is_left_out_and_named_and_the_others_stay() -> None:
    [record] = read(to_jsonl([{"text": "T", "title": "H", "url": "n/a", "date": "soon", "author": 7}]), "n.jsonl")
    assert isinstance(record, Record)
    assert record.metadata == {"title": "H"}
    assert [flaw.split(" is left out")[0] for flaw in record.flaws] == [
        "line 1, byte 0: url", "line 1, byte 0: date", "line 1, byte 0: author",
    ]  # fmt: skip


# Bad input


def test_a_line_that_is_not_json_has_its_place_and_the_others_are_read() -> None:
    lines = to_jsonl(ROWS).splitlines(keepends=True)
    raw = lines[0] + b'{"text": \n' + b"[1]\n" + b'{"text": "\xff"}\n' + b"\n" + b"[" * 50_000 + b"\n" + lines[1]
    found = read(raw, "n.jsonl")
    assert [text for _, text in documents(found)] == TEXTS
    assert flaws(found) == [("2", "not_json"), ("3", "not_json"), ("4", "not_utf8"), ("6", "not_json")]
    assert details(found)[0] == f"line 2, byte {len(lines[0])}: expecting value at character 10 of the line"
    assert details(found)[2].endswith("byte 10 of the line is not UTF-8")


def test_a_row_without_text_has_its_place_and_the_others_are_read() -> None:
    rows = [ROWS[0], {**ROWS[0], "id": "b", "text": " "}, ROWS[1]]
    for raw, name, place in (
        (to_jsonl(rows), "n.jsonl", "line 2"),
        (to_csv(rows), "n.csv", "line 4"),
        (to_parquet(rows), "n.parquet", "row 2"),
    ):
        found = read(raw, name)
        assert [text for _, text in documents(found)] == TEXTS
        assert flaws(found) == [("b", "no_text")]
        assert details(found)[0].startswith(place)


def test_a_line_over_the_limit_is_never_held_and_the_next_is_read() -> None:
    limits = Limits(max_bytes=100)
    raw = b'{"text": "' + b"x" * 5_000 + b'"}\n' + b'{"text": "short"}\n'
    found = read(raw, "n.jsonl", limits=limits)
    assert (documents(found), flaws(found)) == ([("2", b"short")], [("1", "too_large")])
    found = read(b"id,text\n1," + b"x" * 5_000 + b"\n2,short\n", "n.csv", limits=limits)
    assert (documents(found), flaws(found)) == ([("2", b"short")], [("1", "too_large")])
    assert details(found) == ["line 2: a line of more than 100 bytes"]


def test_a_broken_row_of_csv_has_its_line_and_the_others_are_read() -> None:
    raw = b'id,text\na,"One\ntwo"\nb,too,many\nc,"x"y"\nd,Four\ne,"no end\n'
    found = read(raw, "n.csv")
    assert documents(found) == [("a", b"One\ntwo"), ("d", b"Four")]
    assert flaws(found) == [("2", "malformed_row"), ("3", "malformed_row"), ("5", "malformed_row")]
    assert [detail.split(":")[0] for detail in details(found)] == ["line 4", "line 5", "line 7"]


def test_csv_in_a_legacy_encoding_keeps_the_bytes_of_its_texts() -> None:
    [record] = read(to_csv([{"title": "Café", "text": "“Déjà vu,” she said."}], encoding="cp1252"), "n.csv")
    assert isinstance(record, Record)
    assert (record.raw, record.metadata) == ("“Déjà vu,” she said.".encode("cp1252"), {"title": "Café"})


def test_columns_of_which_none_is_a_text_are_named() -> None:
    for raw, name in ((b"a,b\n1,2\n", "n.csv"), (to_parquet([{"a": 1, "b": 2}]), "n.parquet")):
        assert flaws(read(raw, name)) == [("", "no_text")]
        assert "a, b" in details(read(raw, name))[0]


@pytest.mark.parametrize("name", ["n.jsonl", "n.csv", "n.parquet", "n.warc", "n.jsonl.gz"])
def test_an_empty_file_is_empty(name: str) -> None:
    assert flaws(read(b"", name)) == [("", "empty")]


@pytest.mark.parametrize(("pack", "suffix"), [(gzip.compress, ".gz"), (zstd.compress, ".zst")])
def test_what_is_cut_off_gives_the_records_before_its_end(pack: Callable[[bytes], bytes], suffix: str) -> None:
    rows = [{"id": str(number), "text": f"Text {number * 7919 % 1000003}."} for number in range(40_000)]
    packed = pack(to_jsonl(rows))
    found = read(packed[: len(packed) // 2], "n.jsonl" + suffix)
    texts = documents(found)
    assert 0 < len(texts) < 40_000 and texts[0] == ("0", b"Text 0.")
    assert flaws(found)[-1] == ("", "truncated")
    assert "after" in details(found)[-1] and "documents" in details(found)[-1]


def test_damage_in_a_compressed_file_is_told_with_its_place() -> None:
    packed = bytearray(gzip.compress(to_jsonl(ROWS)))
    packed[-6] ^= 0xFF  # the checksum
    found = read(bytes(packed), "n.jsonl.gz")
    assert [text for _, text in documents(found)] == TEXTS
    assert flaws(found) == [("", "damaged")]
    assert flaws(read(b"no gzip", "n.jsonl.gz")) == flaws(read(b"no zstd", "n.jsonl.zst")) == [("", "unreadable")]
    assert flaws(read(b"no zip", "n.zip")) == flaws(read(b"no tar" * 200, "n.tar")) == [("", "unreadable")]
    assert flaws(read(b"no parquet", "n.parquet")) == [("", "unreadable")]


def test_a_damaged_row_group_costs_its_own_rows_only() -> None:
    rows = [{"id": str(number), "text": f"{number} " + "abcdefgh" * 20} for number in range(30)]
    raw = bytearray(to_parquet(rows, row_group_size=10, compression="none", use_dictionary=False))
    start = pq.ParquetFile(io.BytesIO(bytes(raw))).metadata.row_group(1).column(1).data_page_offset
    raw[start : start + 20] = b"\xff" * 20
    found = read(bytes(raw), "n.parquet")
    assert [part for part, _ in documents(found)] == [str(number) for number in (*range(10), *range(20, 30))]
    assert flaws(found) == [("row-group-1", "damaged")]
    assert details(found)[0].startswith("row group 1: rows 11 to 20 cannot be read")


PAGES = [{"id": f"p{number}", "url": f"https://example.org/{number}", "text": f"Page {number}."} for number in range(4)]


def test_a_broken_record_of_a_warc_has_its_byte_and_the_others_are_read() -> None:
    first, second, third, fourth = map(to_page, PAGES)
    too_long = second.replace(b"\r\nContent-Length: ", b"\r\nContent-Length: 1", 1)
    cut = second[:-8] + b"\r\n\r\n"  # its length leads into the next record
    no_length = second.replace(b"\r\nContent-Length: ", b"\r\nContent-Size: ", 1)
    garbage = b"\x00\xff garbage\r\n\r\n"
    for broken in (too_long, cut, no_length, garbage, second.replace(b"WARC/1.0", b"WORC/1.0")):
        found = read(first + broken + third + fourth, "n.warc")
        assert [text for _, text in documents(found)] == [b"Page 0.", b"Page 2.", b"Page 3."]
        assert [reason for _, reason in flaws(found)] == ["broken_record"]
        assert details(found)[0].startswith(f"record at byte {len(first):,}: ")


def test_a_warc_that_is_cut_off_says_so() -> None:
    raw = b"".join(map(to_page, PAGES))
    found = read(raw[:-15], "n.warc")
    assert ([text for _, text in documents(found)][-1], [reason for _, reason in flaws(found)]) == (
        b"Page 2.",
        ["truncated"],
    )


def test_of_a_crawl_only_pages_that_were_there_are_documents() -> None:
    gone = to_warc_record(
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\nGone.", "https://example.org/g", "g"
    )
    image = to_warc_record(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\nPNG", "https://example.org/i", "i")
    request = to_warc_record(
        b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "https://example.org/r", "r", kind="request"
    )
    body = gzip.compress(b"<p>Packed page.")
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    packed = to_warc_record(http + chunked, "https://example.org/p", "p")
    found = read(gone + image + request + packed, "n.warc")
    [record] = [record for record in found if isinstance(record, Record)]
    assert (record.raw, record.reader, record.media_type) == (b"<p>Packed page.", "html", "text/html; charset=utf-8")
    assert record.headers is not None and record.headers["content-encoding"] == "gzip"
    assert flaws(found) == [("urn:uuid:g", "no_page"), ("urn:uuid:i", "unsupported_format")]


def test_a_bomb_is_given_up_and_its_neighbours_are_read() -> None:
    zeros = b"\0" * 30_000_000
    limits = Limits(max_bytes=50_000_000)
    found = read(to_zip({"a.txt": b"A", "bomb.txt": zeros, "b.txt": b"B"}), "n.zip", limits=limits)
    assert documents(found) == [("a.txt", b"A"), ("b.txt", b"B")]
    assert flaws(found) == [("bomb.txt", "limit_exceeded")]
    assert flaws(read(gzip.compress(zeros), "bomb.txt.gz", limits=limits)) == [("", "limit_exceeded")]
    assert flaws(read(zstd.compress(zeros), "bomb.jsonl.zst", limits=limits)) == [("", "limit_exceeded")]


def test_a_source_has_a_limit_of_bytes_members_and_depth() -> None:
    members = {f"{number}.txt": b"x" * 600 for number in range(5)}
    for pack, name in ((to_zip, "n.zip"), (lambda m: gzip.compress(to_tar(m)), "n.tgz")):
        found = read(pack(members), name, limits=Limits(max_members=2))
        assert (len(documents(found)), flaws(found)) == (2, [("", "limit_exceeded")])
        found = read(pack(members), name, limits=Limits(max_unpacked_bytes=2_000))
        assert flaws(found)[-1] == ("", "limit_exceeded")
    nested = to_zip({"a.txt": b"A"})
    for depth in range(3):
        nested = to_zip({f"{depth}.zip": nested})
    assert flaws(read(nested, "n.zip")) == [("2.zip#1.zip#0.zip", "limit_exceeded")]


@pytest.mark.parametrize("name", ["../a.txt", "/etc/a.txt", "x/../../a.txt", "C:\\a.txt", "..\\a.txt"])
def test_a_path_that_leads_out_of_its_archive_is_refused(name: str) -> None:
    for raw, archive in (
        (to_zip({name: b"A", "b.txt": b"B"}), "n.zip"),
        (to_tar({name: b"A", "b.txt": b"B"}), "n.tar"),
    ):
        found = read(raw, archive)
        assert documents(found) == [("b.txt", b"B")]
        assert [reason for _, reason in flaws(found)] == ["unsafe_path"]


def test_links_and_devices_in_a_tar_are_no_documents() -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, kind in (("s.txt", tarfile.SYMTYPE), ("h.txt", tarfile.LNKTYPE), ("d.txt", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("a.txt")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"A"))
    found = read(file.getvalue(), "n.tar")
    assert documents(found) == [("a.txt", b"A")]
    assert flaws(found) == [(name, "unsupported_format") for name in ("s.txt", "h.txt", "d.txt")]


def test_a_tar_that_is_cut_off_or_damaged_between_its_members_says_so() -> None:
    raw = to_tar({"a.txt": b"A" * 700, "b.txt": b"B" * 700})
    for end, texts in ((512 + 600, 0), (1536, 1), (1536 + 100, 1), (1536 + 512 + 100, 1)):
        found = read(raw[:end], "n.tar")
        assert len(documents(found)) == texts
        assert flaws(found)[-1][1] == "truncated"
    damaged = raw[:1536] + b"\xaa" * 512 + raw[2048:]
    found = read(damaged, "n.tar")
    assert (len(documents(found)), flaws(found)) == (1, [("", "damaged")])
    assert "byte 1,536" in details(found)[0]


def test_a_header_of_a_tar_cannot_fill_the_memory() -> None:
    info = tarfile.TarInfo("a.txt")
    info.type, info.size = tarfile.XHDTYPE, 10_000_000_000
    found = read(info.tobuf(tarfile.GNU_FORMAT) + b"\0" * 2_000, "n.tar")
    assert flaws(found) == [("", "limit_exceeded")]


def test_a_member_with_a_password_or_a_wrong_checksum_is_unreadable_and_the_others_are_read() -> None:
    raw = bytearray(to_zip({"a.txt": b"A", "b.txt": b"B"}))
    raw[6] |= 1  # the first member is encrypted
    raw[raw.find(b"PK\x01\x02") + 8] |= 1
    found = read(bytes(raw), "n.zip")
    assert (documents(found), flaws(found)) == ([("b.txt", b"B")], [("a.txt", "unreadable")])
    raw = bytearray(to_zip({"a.txt": b"A", "b.txt": b"B"}))
    raw[raw.find(b"PK\x01\x02") + 16] ^= 0xFF  # its checksum
    assert flaws(read(bytes(raw), "n.zip")) == [("a.txt", "unreadable")]


def test_a_source_without_one_good_record_among_a_thousand_is_given_up() -> None:
    found = read(b"not json\n" * 5_000, "n.jsonl")
    assert flaws(found) == [("", "unreadable")]
    assert details(found)[0].startswith("none of its first 1,000 records can be read; the first: line 1, byte 0")


def test_json_lines_in_utf16_are_named_as_such() -> None:
    assert details(read(to_jsonl(ROWS).decode().encode("utf-16"), "n.jsonl"))[0].startswith("byte 0: it is UTF-16")


def test_a_single_text_over_the_limit_is_rejected_also_when_it_is_packed_small() -> None:
    assert flaws(read(gzip.compress(b"x" * 10_001), "a.txt.gz")) == [("", "too_large")]


def test_the_default_mapping_has_every_role() -> None:
    assert FieldMapping().find_columns(["TEXT", "Url", "x"]) == {"text": "TEXT", "url": "Url"}
