"""Faults of encoding and markup in a line -> the characters that were meant, with every change recorded as an edit."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence

import ftfy
import polars as pl

from tasks.text.decode import INVALID_BYTE, SURROGATE
from warehouse.tables import ARTICLE_SEGMENTS

Edit = tuple[int, int, int, int, str]
"""First and last character of the repaired text, first and last byte of the raw document (or character of the line), kind."""

Change = tuple[int, int, str, str]
"""What is to change in a text: first character, the one after, the new text, the kind of the edit."""

EDITS = ARTICLE_SEGMENTS.column("edits").dtype
_EDIT = {"start": pl.UInt32, "end": pl.UInt32, "raw_start": pl.UInt64, "raw_end": pl.UInt64, "kind": pl.String}
_INVALID = f"{chr(INVALID_BYTE)}-{chr(INVALID_BYTE + 255)}"
_ENTITY = r"&(?:amp;)*(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_TAG = (
    r"</?(?:p|br|em|strong|b|i|u|span|div|a|q|small|sup|sub|font|h[1-6]|li|ul|ol|blockquote)(?:\s[^<>]{0,500})?\s?/?>"
)
_CONTROL = r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff]"
# Lead bytes of UTF-8 read as Latin letters, followed by a continuation byte read as cp1252, cp1250 or Latin-1.
_MOJIBAKE = r"[ÂÃâÄÅÆÇÈÉÊËÌÍÎÏÐÑØÙãäåæçèéêëìíïðăĂĹĐĆŃ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸťŤźŹ˝ˇłŁąĄşŞľĽ]"
_FAULT = f"[{_INVALID}]|{_ENTITY}|(?i:{_TAG})|{_CONTROL}|{_MOJIBAKE}"
_INVALID_BYTES, _MOJIBAKE_PAIR = re.compile(f"{SURROGATE}|[{_INVALID}]"), re.compile(_MOJIBAKE)
_MARKUP, _CONTROLS = re.compile(f"{_ENTITY}|(?i:{_TAG})"), re.compile(_CONTROL)
_CHUNK_CHARS = 100_000


def repair_lines(lines: pl.DataFrame, markup: Mapping[int, Sequence[Change]] | None = None) -> pl.DataFrame:
    """Add `text`, the repaired `line`, and `edits` (characters of `text`, bytes of the raw document, kind) to lines.

    Kinds: `encoding` (invalid bytes read as cp1252, mojibake by ftfy's `fix_encoding`), `entity`, `tag`, `control` and
    `blank` (white space that a removed tag left at an end). Lines without a fault stay as they are, with no edits.
    `markup` has the changes to make first, in order, of the lines (by number of row) that have any.
    """
    markup = markup or {}
    is_suspect = lines["line"].str.contains(_to_rust(_FAULT))
    if markup:
        is_suspect |= pl.int_range(lines.height, eager=True).is_in(list(markup))
    if not is_suspect.any():
        return lines.with_columns(text="line", edits=pl.lit([], dtype=EDITS))
    suspects = lines.with_row_index("row").filter(is_suspect)
    # Python a line: ftfy and html.unescape have no Polars form; the gate leaves them the few faulty lines.
    repaired = [
        repair_line(line, unit, raw_start, markup.get(row, ()))
        for row, line, unit, raw_start in suspects.select("row", "line", "byte_unit", "raw_start").iter_rows()
    ]
    texts = pl.DataFrame({"row": suspects["row"], "text": [text for text, _ in repaired]})
    edits = pl.DataFrame(
        [(row, *edit) for row, (_, own) in zip(suspects["row"], repaired, strict=True) for edit in own],
        schema={"row": pl.UInt32, **_EDIT},
        orient="row",
    )
    changes = texts.join(
        edits.group_by("row").agg(edits=pl.struct(*_EDIT)), on="row", how="left", maintain_order="left"
    )
    return (
        lines.with_row_index("row")
        .join(changes, on="row", how="left", maintain_order="left")
        .with_columns(text=pl.coalesce("text", "line"), edits=pl.col("edits").fill_null(pl.lit([], dtype=EDITS)))
        .drop("row")
    )


def _to_rust(pattern: str) -> str:
    return re.sub(r"\\u([0-9a-f]{4})", r"\\x{\1}", pattern)


def repair_line(line: str, byte_unit: str, raw_start: int, markup: Iterable[Change] = ()) -> tuple[str, list[Edit]]:
    """Return the repaired line and its edits; `markup` are changes (start, end, new text, kind) to make first, in order."""
    text, edits = _apply(line, [], markup)
    if not text.isascii():
        text, edits = _apply(text, edits, _find_invalid_bytes(text))
        text, edits = _apply(text, edits, _find_mojibake(text))
    if "&" in text or "<" in text:
        text, edits = _apply(text, edits, _find_markup(text))
    if not text.isprintable():  # no control is printable
        text, edits = _apply(text, edits, _find_controls(text))
    if edits:
        text, edits = _apply(text, edits, _find_outer_blanks(text))
    return text, _to_bytes(line, edits, byte_unit, raw_start)


def _find_invalid_bytes(text: str) -> Iterable[Change]:
    for match in _INVALID_BYTES.finditer(text):
        found = match.group()
        byte = bytes([ord(found) - INVALID_BYTE]) if len(found) == 1 else b""
        yield match.start(), match.end(), byte.decode("cp1252", "replace") if byte else "\ufffd", "encoding"


def _find_mojibake(text: str) -> Iterable[Change]:
    if _MOJIBAKE_PAIR.search(text):
        for match in re.finditer(rf"(?s).{{1,{_CHUNK_CHARS}}}(?:(?= )|$)|.{{1,{_CHUNK_CHARS}}}", text):
            yield from _compare(match.group(), ftfy.fix_encoding(match.group()), match.start())


def _compare(before: str, after: str, offset: int) -> Iterable[Change]:
    """Yield the changes between stretches that are the same: ASCII, else blanks; one change where neither pair up."""
    old, new = [before], [after]
    for same in (r"([\x00-\x7f]+)", r"(\s+)"):
        old_parts, new_parts = re.split(same, before), re.split(same, after)
        if old_parts[1::2] == new_parts[1::2]:
            old, new = old_parts, new_parts
            break
    for was, is_now in zip(old, new, strict=True):
        if was != is_now:
            start = _common_prefix(was, is_now)
            end = _common_prefix(was[start:][::-1], is_now[start:][::-1])
            yield offset + start, offset + len(was) - end, is_now[start : len(is_now) - end], "encoding"
        offset += len(was)


def _common_prefix(left: str, right: str) -> int:
    for place, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return place
    return min(len(left), len(right))


def _find_markup(text: str) -> Iterable[Change]:
    for match in _MARKUP.finditer(text):
        found = match.group()
        if found.startswith("<"):
            yield (
                match.start(),
                match.end(),
                " " if re.match(r"(?i)<(br|/?p|/?div|/?li)\b", found) and _is_between_words(text, match) else "",
                "tag",
            )
        elif (meant := html.unescape(re.sub(r"^&(?:amp;)+", "&", found))) != found:
            yield match.start(), match.end(), meant, "entity"


def _is_between_words(text: str, match: re.Match[str]) -> bool:
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    return bool(before.strip() and after.strip() and after != "<")


def _find_controls(text: str) -> Iterable[Change]:
    for match in _CONTROLS.finditer(text):
        found = match.group()
        is_c1 = "\x80" <= found <= "\x9f"
        yield match.start(), match.end(), found.encode("latin-1").decode("cp1252", "ignore") if is_c1 else "", "control"


def _find_outer_blanks(text: str) -> Iterable[Change]:
    if not text[:1].isspace() and not text[-1:].isspace():
        return
    left = len(text) - len(text.lstrip())
    right = len(text.rstrip())
    if left:
        yield 0, left, "", "blank"
    if right > left and right < len(text):
        yield right, len(text), "", "blank"


def _apply(text: str, edits: list[Edit], changes: Iterable[Change]) -> tuple[str, list[Edit]]:
    """Apply changes (start, end, new text, kind; in order, apart) to a text that already has edits; merge what touches.

    Edits count characters of the line on the raw side until `_to_bytes`. One pass, so that a long line stays linear.
    """
    changes = list(changes)
    if not changes:
        return text, edits
    if not edits and all(start < end for start, end, *_ in changes):
        return _apply_first(text, changes)
    marks = sorted([(start, end, 0, place) for place, (start, end, *_) in enumerate(edits)]
                   + [(start, end, 1, place) for place, (start, end, *_) in enumerate(changes)])  # fmt: skip
    groups: list[tuple[int, int, list[tuple[int, int]]]] = []
    for start, end, is_change, place in marks:
        if groups and (start < groups[-1][1] or (start == groups[-1][1] and start == end)):
            last_start, last_end, members = groups[-1]
            groups[-1] = (last_start, max(last_end, end), [*members, (is_change, place)])
        else:
            groups.append((start, end, [(is_change, place)]))
    parts: list[str] = []
    merged: list[Edit] = []
    done, raw_done, length = 0, 0, 0
    for start, end, members in groups:
        parts.append(text[done:start])
        length += start - done
        raw_done += start - done
        old = [edits[place] for is_change, place in members if not is_change]
        raw_end = raw_done + end - start + sum(e[3] - e[2] - (e[1] - e[0]) for e in old)
        new, kind = _rewrite(text, start, end, [changes[place] for is_change, place in members if is_change])
        parts.append(new)
        merged.append((length, length + len(new), raw_done, raw_end, old[0][4] if old else kind))
        length += len(new)
        done, raw_done = end, raw_end
    parts.append(text[done:])
    return "".join(parts), merged


def _apply_first(text: str, changes: list[Change]) -> tuple[str, list[Edit]]:
    """Apply changes that each have a stretch of their own to a text that has no edits: nothing is to be merged."""
    parts: list[str] = []
    edits: list[Edit] = []
    done, length = 0, 0
    for start, end, new, kind in changes:
        parts += (text[done:start], new)
        length += start - done
        edits.append((length, length + len(new), start, end, kind))
        length += len(new)
        done = end
    parts.append(text[done:])
    return "".join(parts), edits


def _rewrite(text: str, start: int, end: int, changes: list[tuple[int, int, str, str]]) -> tuple[str, str]:
    parts: list[str] = []
    for change_start, change_end, replacement, _ in changes:
        parts += (text[start:change_start], replacement)
        start = change_end
    return "".join(parts) + text[start:end], changes[0][3] if changes else ""


def _to_bytes(line: str, edits: list[Edit], byte_unit: str, raw_start: int) -> list[Edit]:
    placed: list[Edit] = []
    done, done_bytes = 0, raw_start
    if byte_unit == "utf-8" and line.isascii():
        return [(start, end, raw_start + first, raw_start + last, kind) for start, end, first, last, kind in edits]
    for start, end, raw_from, raw_to, kind in edits:
        first = done_bytes + count_bytes(line[done:raw_from], byte_unit)
        last = first + count_bytes(line[raw_from:raw_to], byte_unit)
        placed.append((start, end, first, last, kind))
        done, done_bytes = raw_to, last
    return placed


def count_bytes(text: str, byte_unit: str) -> int:
    """Return the number of bytes that `text`, as decoded, had in the raw document."""
    if byte_unit == "one byte":
        return len(text)
    if byte_unit == "utf-16":
        return len(text.encode("utf-16-le"))
    if byte_unit == "utf-32":
        return 4 * len(text)
    return len(text.encode()) - 3 * (len(re.findall(f"[{_INVALID}]", text)) if byte_unit != "utf-8" else 0)
