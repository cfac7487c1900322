"""Raw bytes -> text: strict UTF-8 and UTF-16 first, then the likely legacy encodings; what is not text is rejected."""

import codecs
import re

import polars as pl

from tasks.text.language import guess_language

STAGE = "clean"
INVALID_BYTE = 0x10FF00
"""Byte b that is not valid in a UTF-8 text stands in `text` as chr(INVALID_BYTE + b) until repair reads it."""

_MAGIC_NUMBERS = (
    (b"%PDF-", "PDF"), (b"PK\x03\x04", "ZIP"), (b"\x89PNG", "PNG"), (b"GIF8", "GIF"), (b"\xff\xd8\xff", "JPEG"),
    (b"\x1f\x8b", "gzip"), (b"BZh9", "bzip2"), (b"\xfd7zXZ", "xz"), (b"7z\xbc\xaf", "7-Zip"), (b"Rar!", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"), (b"\x7fELF", "ELF"), (b"\xd0\xcf\x11\xe0", "OLE"), (b"{\\rtf", "RTF"),
    (b"SQLite format 3", "SQLite"), (b"OggS", "Ogg"), (b"ID3\x03", "MP3"), (b"ID3\x04", "MP3"), (b"PAR1", "Parquet"),
)  # fmt: skip
_MAGIC = tuple(magic for magic, _ in _MAGIC_NUMBERS)
_WIDE_MARKS = ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
               (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip
_WIDE = tuple(mark for mark, _ in _WIDE_MARKS)
_LEGACY_ENCODINGS = (  # encoding, languages that are written in it; the first wins a tie
    ("cp1252", {"en", "de", "fr", "es", "pt", "it", "nl", "sv", "da", "no", "nb", "fi", "is", "ca", "gl", "eu", "af"}),
    ("iso-8859-2", {"pl", "cs", "sk", "hu", "sl", "hr", "bs", "sr", "sh", "ro", "sq"}),
    ("cp1250", {"pl", "cs", "sk", "hu", "sl", "hr", "bs", "sr", "sh", "ro", "sq"}),
    ("cp1251", {"ru", "uk", "be", "bg", "mk", "sr"}),
    ("koi8-r", {"ru"}),
    ("cp1253", {"el"}),
    ("cp1254", {"tr", "az"}),
    ("cp1257", {"lt", "lv", "et"}),
    ("mac-roman", {"en", "de", "fr", "es", "pt", "it", "nl", "sv", "da", "no", "fi"}),
)  # fmt: skip
_ALPHABETS = {  # letters with marks of the languages that two encodings hold in different places
    "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "sl": "čšž", "hr": "čćđšž",
    "bs": "čćđšž", "sh": "čćđšž", "ro": "ăâîşţșț", "sq": "çë",
}  # fmt: skip
_CONTROLS = bytes((*range(0x09), *range(0x0E, 0x20), 0x7F))
_PRINTED_MARKS = frozenset("‘’‚“”„–—…•«»‹›€£§°©®™´¿¡·\xa0")
_DECODED = {
    "text": pl.String, "encoding": pl.String, "byte_unit": pl.String, "text_start": pl.UInt32,
    "reject_reason": pl.String, "detail": pl.String,
}  # fmt: skip
_INVALID = f"[{chr(INVALID_BYTE)}-{chr(INVALID_BYTE + 255)}]"
SURROGATE = "".join(
    f"[{chr(INVALID_BYTE + first)}-{chr(INVALID_BYTE + last)}]"
    for first, last in ((0xED, 0xED), (0xA0, 0xBF), (0x80, 0xBF))
)
"""The three bytes of half a surrogate pair in UTF-8, as they stand in `text`: no character."""
_HIGH = re.compile(r"[^\x00-\x7f]")
_HIGH_IN_CONTEXT = re.compile(r"(?=(.)([^\x00-\x7f])(.))", re.DOTALL)
_HIGH_WORD = re.compile(r"\w*[^\W\x00-\x7f]\w*(?:\s+\w+)?")
_SAMPLE_CHARS = 20_000


def decode_documents(documents: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Decode RAW_DOCUMENTS; return the documents with text, and the rejected ones.

    The first frame has every column of the documents and `text`, `encoding` (a Python codec name), `byte_unit` (how its
    characters count in bytes) and `text_start` (bytes of the byte order mark, which is outside of the text). The second has source_uri, raw_sha256, metadata_sha256, stage,
    reject_reason (`empty`, `binary` or `undecodable`) and detail.
    """
    # Python a document: Polars has no codecs and raises on bytes that are not UTF-8; one codec costs a few microseconds.
    decoded = pl.DataFrame([_check_text(raw, *_decode(raw)) for raw in documents["raw"]], schema=_DECODED, orient="row")
    read = pl.concat([documents, decoded], how="horizontal")
    good = read.filter(pl.col("reject_reason").is_null()).drop("reject_reason", "detail")
    return good, reject(read.filter(pl.col("reject_reason").is_not_null()))


def reject(documents: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the rejected: documents with `reject_reason` and `detail` -> one row each for the ledger."""
    return documents.select(
        "source_uri", "raw_sha256", "metadata_sha256", "reject_reason", "detail", stage=pl.lit(STAGE)
    ).select("source_uri", "raw_sha256", "metadata_sha256", "stage", "reject_reason", "detail")


def byte_length(text: str, units: set[str]) -> pl.Expr:
    """Return the number of bytes that column `text` had in the raw document, given `byte_unit` beside it.

    `units` are the values of `byte_unit` in the frame: a frame of valid UTF-8, the usual case, costs nothing more.
    """
    length = pl.col(text).str.len_bytes()
    lengths = {
        "utf-8": length,
        "utf-8 with invalid bytes": length - 3 * pl.col(text).str.count_matches(_INVALID),
        "one byte": pl.col(text).str.len_chars(),
        "utf-16": 2 * (pl.col(text).str.len_chars() + pl.col(text).str.count_matches("[\U00010000-\U0010ffff]")),
        "utf-32": 4 * pl.col(text).str.len_chars(),
    }
    for unit in sorted(units - {"utf-8"}):
        length = pl.when(pl.col("byte_unit") == unit).then(lengths[unit]).otherwise(length)
    return length.cast(pl.Int64)


_Decoded = tuple[str | None, str, str, int, str | None, str | None]
"""Text, encoding, byte unit, bytes of the byte order mark, and the reason and detail of a rejection."""


def _decode(raw: bytes) -> _Decoded:
    """Return text, encoding, byte unit, bytes of the byte order mark, and the reason and detail of a rejection."""
    if raw.startswith(_MAGIC):
        name = next(name for magic, name in _MAGIC_NUMBERS if raw.startswith(magic))
        return None, "", "", 0, "binary", f"begins like {name}"
    if raw.startswith(_WIDE):
        return next(_decode_wide(raw, len(mark), encoding) for mark, encoding in _WIDE_MARKS if raw.startswith(mark))
    if b"\0" in raw:
        return None, "", "", 0, "binary", "holds NUL bytes"
    start = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
    data = raw[start:] if start else raw
    try:
        return data.decode("utf-8"), "utf-8-sig" if start else "utf-8", "utf-8", start, None, None
    except UnicodeDecodeError:
        pass
    marked = _decode_marked(data)
    if start or _is_mostly_utf8(marked):
        return marked, "utf-8-sig" if start else "utf-8", "utf-8 with invalid bytes", start, None, None
    return _decode_legacy(data)


def _check_text(
    raw: bytes, text: str | None, encoding: str, byte_unit: str, text_start: int, reason: str | None, detail: str | None
) -> _Decoded:
    """Reject a decoded text that is blank or mostly control characters."""
    controls = 0 if byte_unit.startswith("utf-16") else len(raw) - len(raw.translate(None, _CONTROLS))
    if text is not None and (not text or text.isspace()):
        reason, detail = "empty", f"{len(text)} characters, all of them blank"
    elif text is not None and controls * 20 > len(raw) and byte_unit != "utf-32":
        reason, detail = "binary", f"{len(raw)} bytes, {controls} of them control characters"
    return text, encoding, byte_unit, text_start, reason, detail


def _decode_wide(raw: bytes, start: int, encoding: str) -> _Decoded:
    width = 4 if "32" in encoding else 2
    try:
        text = raw[start : len(raw) - (len(raw) - start) % width].decode(encoding)
    except UnicodeDecodeError as error:
        return (
            None,
            "",
            "",
            0,
            "undecodable",
            f"byte order mark of {encoding}, but {error.reason} at byte {start + error.start}",
        )
    return text, encoding, encoding[:6], start, None, None


def _decode_marked(data: bytes) -> str:
    return data.decode("utf-8", "onrecord_mark_invalid")


def _mark_invalid(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    invalid = error.object[error.start : error.end]
    return "".join(chr(INVALID_BYTE + byte) for byte in invalid), error.end


codecs.register_error("onrecord_mark_invalid", _mark_invalid)


def _is_mostly_utf8(marked: str) -> bool:
    marked = re.sub(SURROGATE, "\ufffd", marked)
    invalid = len(re.findall(_INVALID, marked))
    return len(_HIGH.findall(marked)) - invalid >= invalid


def _decode_legacy(data: bytes) -> _Decoded:
    candidates = [
        (*_score_reading(text, languages), -place, text, encoding)
        for place, (encoding, languages) in enumerate(_LEGACY_ENCODINGS)
        if (text := _try_decode(data, encoding)) is not None
    ]
    if not candidates or max(candidates)[0] < 0.5:
        return None, "", "", 0, "undecodable", "no encoding gives words"
    *_, text, encoding = max(candidates)
    return text, encoding, "one byte", 0, None, None


def _try_decode(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _score_reading(text: str, languages: set[str]) -> tuple[float, int]:
    """Score a reading from 0 to 1.5: the share of high characters that print as words do, and the language if it fits.

    The second number parts equals: how many of its letters the language's alphabet has.
    """
    contexts = _HIGH_IN_CONTEXT.findall(f" {text[:_SAMPLE_CHARS]} ")
    natural = sum(map(_is_natural, contexts)) / max(1, len(contexts))
    words = " ".join(_HIGH_WORD.findall(text[:_SAMPLE_CHARS])[:100]).lower()
    language, score = guess_language(f"{words} {text[:1000].lower()}")
    known = sum(words.count(letter) for letter in _ALPHABETS.get(language, ""))
    return round(natural + (score if language in languages else 0.0) * 0.5, 2), known


def _is_natural(context: tuple[str, str, str]) -> bool:
    """Whether a high character is a printed mark, or a letter in the case of the letters beside it."""
    before, character, after = context
    if not character.isalpha():
        return character in _PRINTED_MARKS and not (before.isalpha() and after.isalpha() and character not in "’‑–—")
    return not (character.isupper() and before.islower())
