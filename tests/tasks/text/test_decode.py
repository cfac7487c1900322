"""Bytes to text: encodings, byte order marks, and what is rejected."""

import codecs

import pytest

from tasks.text.decode import decode_documents
from tests.builders import raw_documents, rows

RUSSIAN = "Министр сказал в понедельник, что паром уйдёт в полдень, и попросил жителей о терпении."
POLISH = "Premier spotkał się z ministrem w Łodzi i powiedział, że są gotowi bez zgody związków."
HUNGARIAN = "A miniszter hétfőn azt mondta, hogy a komp délben indul, és türelmet kért a város lakóitól."
CZECH = "Ministr řekl, že příští rok bude těžší než letošní, a požádal přístav o pomoc při opravě."


@pytest.mark.parametrize(
    ("raw", "text", "encoding"),
    [
        (b"Plain words.", "Plain words.", "utf-8"),
        ("“Été” – naïve".encode(), "“Été” – naïve", "utf-8"),
        (codecs.BOM_UTF8 + "é".encode(), "é", "utf-8-sig"),
        ("Bom dia".encode("utf-16"), "Bom dia", "utf-16-le"),
        (codecs.BOM_UTF16_BE + "Bom dia".encode("utf-16-be"), "Bom dia", "utf-16-be"),
        (codecs.BOM_UTF32_LE + "Bom dia".encode("utf-32-le"), "Bom dia", "utf-32-le"),
        ("“Été” – he said".encode("cp1252"), "“Été” – he said", "cp1252"),
        ("René".encode("latin-1"), "René", "cp1252"),
        (RUSSIAN.encode("cp1251"), RUSSIAN, "cp1251"),
        (RUSSIAN.encode("koi8-r"), RUSSIAN, "koi8-r"),
        (POLISH.encode("cp1250"), POLISH, "cp1250"),
        (POLISH.encode("iso-8859-2"), POLISH, "iso-8859-2"),
        (CZECH.encode("iso-8859-2"), CZECH, "iso-8859-2"),
        (CZECH.encode("cp1250"), CZECH, "cp1250"),
        (HUNGARIAN.encode("cp1250"), HUNGARIAN, "iso-8859-2"),  # the same bytes in both
    ],
)
def test_text_is_read_in_the_encoding_that_gives_words(raw: bytes, text: str, encoding: str) -> None:
    decoded, rejected = decode_documents(raw_documents(raw))
    assert rows(decoded, "text", "encoding") == [(text, encoding)]
    assert rejected.is_empty()


@pytest.mark.parametrize(
    ("raw", "reason", "detail"),
    [
        (b"", "empty", "0 characters, all of them blank"),
        (b" \n\t\n", "empty", "4 characters, all of them blank"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary", "begins like PNG"),
        (b"%PDF-1.7 text", "binary", "begins like PDF"),
        (b"words\x00words", "binary", "holds NUL bytes"),
        (b"\x01\x02\x03abc", "binary", "6 bytes, 3 of them control characters"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8A\x00", "undecodable", "byte order mark of utf-16-le, but illegal UTF-16 surrogate at byte 2"),
    ],
)  # fmt: skip
def test_what_is_not_text_is_rejected_with_a_reason(raw: bytes, reason: str, detail: str) -> None:
    decoded, rejected = decode_documents(raw_documents(raw, source_uri="a.txt"))
    assert decoded.is_empty()
    assert rows(rejected, "source_uri", "stage", "reject_reason", "detail") == [("a.txt", "clean", reason, detail)]


def test_a_few_foreign_bytes_do_not_change_the_encoding_of_a_text() -> None:
    raw = "“Été” et “naïveté”".encode() + b" \x93oui\x94"
    decoded, _ = decode_documents(raw_documents(raw))
    assert rows(decoded, "encoding", "byte_unit") == [("utf-8", "utf-8 with invalid bytes")]
