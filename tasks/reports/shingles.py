"""Texts -> their word shingles as numbers: of all words, of the words in quotation marks, of the names and numbers around them.

Words are read from the bytes of all texts of a call at once, in NumPy: a Python loop over words costs fifty times as much.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

Numbers = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

WORDS_OF_TEXT, WORDS_OF_NAMES = 4, 3
HASH_BITS = 48
"""A shingle's hash has 48 bits; the 16 bits above are the number of its text."""
MOST_TEXTS = 1 << 16

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2**64
_INVERSE = np.uint64(pow(int(_BASE), -1, 1 << 64))
_POWERS: dict[int, Numbers] = {int(base): np.ones(1, np.uint64) for base in (_BASE, _INVERSE)}
_SLICE = 256  # texts whose numbers stay in the processor's cache
_MIX = (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53))  # of MurmurHash3's finalizer
_SHIFT, _TOP = np.uint64(33), np.uint64(64 - HASH_BITS)
_BREAKS = np.isin(np.arange(256), list(b'.!?:;\n"')).tobytes()  # after one of these a capital says nothing
_IS_WORD_BYTE = np.isin(
    np.arange(256), list(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") + list(range(128, 256))
).tobytes()


@dataclass(frozen=True)
class Shingles:
    """The distinct shingles of some texts, each kind sorted: the number of the text in the 16 bits above the hash."""

    count: int
    text: Numbers
    quoted: Numbers
    names: Numbers


def shingle_texts(texts: pl.Series) -> Shingles:
    """Return the shingles of up to 65,536 texts, in order of the series.

    text: each 4 words that follow one another, case and marks folded. quoted: those of them that stand in one stretch
    between double quotation marks (a stretch that is not closed ends with its paragraph). names: each 3 that follow one
    another of the names (words with a capital that opens no sentence) and numbers outside of quotations.

    Raises:
        ValueError: If there are more texts.
    """
    if len(texts) > MOST_TEXTS:
        raise ValueError(f"{len(texts)} texts at once; {MOST_TEXTS} are the most")
    parts = [_shingle_slice(texts[first : first + _SLICE], first) for first in range(0, len(texts), _SLICE)]
    kinds = zip(*parts, strict=True) if parts else [[np.zeros(0, np.uint64)]] * 3
    return Shingles(len(texts), *(np.concatenate(kind) for kind in kinds))


def _shingle_slice(texts: pl.Series, first: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return the three kinds of shingles of texts that are numbered from `first`."""
    lower = texts.str.to_lowercase()
    is_longer = lower.str.len_bytes() != texts.str.len_bytes()
    if is_longer.any():  # a letter has more bytes in lower case: the text keeps its capitals
        lower = lower.zip_with(~is_longer, texts)
    words = _find_words(_join_bytes(texts), _join_bytes(lower), _number_bytes(texts), first)
    whole = _hash_runs(words.hashes, words.docs, WORDS_OF_TEXT)
    last = words.stretches[WORDS_OF_TEXT - 1 :]
    in_quotes = whole.is_run & words.is_quoted[: len(last)] & (words.stretches[: len(last)] == last)
    named = (words.is_name & ~words.is_quoted).nonzero()[0]
    names = _hash_runs(words.hashes[named], words.docs[named], WORDS_OF_NAMES)
    return _sort(whole.keys[whole.is_run]), _sort(whole.keys[in_quotes]), _sort(names.keys[names.is_run])


def _sort(keys: Numbers) -> Numbers:
    """Return the distinct keys in order; `np.unique` hashes, which takes five times as long."""
    ordered = np.sort(keys)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


@dataclass(frozen=True)
class _Words:
    hashes: Numbers
    docs: Numbers
    is_quoted: Flags
    stretches: npt.NDArray[np.int32]  # the number of quotation marks and paragraphs before the word
    is_name: Flags


@dataclass(frozen=True)
class _Runs:
    keys: Numbers
    is_run: Flags  # whether all its words stand in one text


def _join_bytes(texts: pl.Series) -> npt.NDArray[np.uint8]:
    return np.frombuffer(("\n".join(texts.to_list()) + "\n").encode("utf-8", "surrogatepass"), np.uint8)


def _number_bytes(texts: pl.Series) -> npt.NDArray[np.int64]:
    """Return the first byte of every text, and the byte after the last one."""
    return np.concatenate(([0], np.cumsum(texts.str.len_bytes().to_numpy().astype(np.int64) + 1)))


def _find_words(
    printed: npt.NDArray[np.uint8], folded: npt.NDArray[np.uint8], starts_of_texts: npt.NDArray[np.int64], first: int
) -> _Words:
    is_mark, is_quote = _find_marks(folded)
    is_word = np.zeros(len(folded) + 2, np.bool_)
    is_word[1:-1] = _look_up(_IS_WORD_BYTE, folded) & ~is_mark
    edges = (is_word[1:] != is_word[:-1]).nonzero()[0]
    starts, ends = edges[::2], edges[1::2]
    docs = np.repeat(
        np.arange(first, first + len(starts_of_texts) - 1, dtype=np.uint64),
        np.diff(np.searchsorted(starts, starts_of_texts)),
    )
    is_break = _look_up(_BREAKS, folded) | is_quote
    breaks = np.cumsum(is_break, dtype=np.int32)
    before = np.concatenate(([0], ends[:-1])).astype(np.int64)
    opens = (breaks[starts] > breaks[before] - is_break[before]) | (before == 0)
    quotes = np.cumsum(is_quote, dtype=np.int32)
    is_end = folded == ord("\n")
    paragraphs = np.cumsum(is_end, dtype=np.int32)
    ends_of_paragraphs = np.concatenate(([0], quotes[is_end]))
    is_quoted = (quotes[starts] - ends_of_paragraphs[paragraphs[starts]]) % 2 == 1
    is_number = (folded[starts] >= ord("0")) & (folded[starts] <= ord("9"))
    is_capital = printed[starts] != folded[starts]
    is_capital |= printed[np.minimum(starts + 1, len(printed) - 1)] != folded[np.minimum(starts + 1, len(printed) - 1)]
    return _Words(
        hashes=_hash_words(folded, starts, ends),
        docs=docs,
        is_quoted=is_quoted,
        stretches=quotes[starts] + paragraphs[starts],
        is_name=is_number | (is_capital & ~opens),
    )


def _look_up(table: bytes, folded: npt.NDArray[np.uint8]) -> Flags:
    """Return what a table of 256 flags says of every byte: `bytes.translate` takes half the time of an index of NumPy."""
    return np.frombuffer(folded.tobytes().translate(table), np.bool_)


def _find_marks(folded: npt.NDArray[np.uint8]) -> tuple[Flags, Flags]:
    """Return which bytes are of punctuation outside of ASCII, and at which bytes a double quotation mark begins."""
    is_mark, is_quote = np.zeros(len(folded), np.bool_), folded == ord('"')
    first = (folded == 0xE2).nonzero()[0]
    # a character of several bytes is whole in its text, so the bytes after its first are there
    first = first[(folded[first + 1] & 0xFE) == 0x80]  # U+2000 to U+207F: spaces, dashes, quotation marks
    is_double = (folded[first + 1] == 0x80) & ((folded[first + 2] & 0xFE) == 0x9C)
    is_quote[first[is_double]] = True
    for place in range(3):
        is_mark[first + place] = True
    first = (folded == 0xC2).nonzero()[0]  # U+0080 to U+00BF: no-break space, guillemets, signs
    for place in range(2):
        is_mark[first + place] = True
    return is_mark, is_quote


def _hash_words(folded: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> Numbers:
    """Hash every word by the polynomial of its bytes, read off the sums over all bytes before its ends."""
    sums = np.zeros(len(folded) + 1, np.uint64)
    np.cumsum(folded * _list_powers(_BASE, len(folded)), out=sums[1:])
    return _mix((sums[ends] - sums[starts]) * _list_powers(_INVERSE, len(folded))[starts])


def _list_powers(base: np.uint64, count: int) -> Numbers:
    if len(_POWERS[int(base)]) < count:
        factors = np.full(count, base, np.uint64)
        factors[0] = 1
        _POWERS[int(base)] = np.cumprod(factors, dtype=np.uint64)
    return _POWERS[int(base)][:count]


def _hash_runs(hashes: Numbers, docs: Numbers, size: int) -> _Runs:
    """Hash each `size` words that follow one another; the hash is under the number of the text of the first."""
    count = max(len(hashes) - size + 1, 0)
    mixed = np.zeros(count, np.uint64)
    for place in range(size):
        mixed = _mix(mixed * _BASE + hashes[place : place + count])
    keys = (docs[:count] << np.uint64(HASH_BITS)) | (mixed >> _TOP)
    return _Runs(keys, docs[:count] == docs[size - 1 :][:count])


def _mix(numbers: Numbers) -> Numbers:
    """Spread every number over all bits (the finalizer of MurmurHash3, public domain)."""
    for factor in _MIX:
        numbers = (numbers ^ (numbers >> _SHIFT)) * factor
    return numbers ^ (numbers >> _SHIFT)


def sketch_shingles(shingles: Numbers, bins: int) -> tuple[Numbers, Numbers]:
    """Return the one-permutation MinHash of every text: the least hash of each bin (Li, Owen and Zhang 2012).

    The upper bits of a hash are its bin. Two texts have the same least hash in a bin with the probability of their
    resemblance, or, when all of one stands in the other, of the ratio of their sizes. Bins that are empty have none.

    Args:
        shingles: Sorted shingles.
        bins: Number of bins, a power of 2.

    Returns:
        The numbers of the texts and, beside them, the least hashes, in order.
    """
    bits = bins.bit_length() - 1
    groups = shingles >> np.uint64(HASH_BITS - bits)
    is_first = np.concatenate(([True], groups[1:] != groups[:-1])) if len(groups) else np.zeros(0, np.bool_)
    least = shingles[is_first]
    return least >> np.uint64(HASH_BITS), least & np.uint64((1 << HASH_BITS) - 1)


def count_shingles(shingles: Numbers, count: int) -> npt.NDArray[np.int64]:
    """Return the number of shingles of every text."""
    return np.bincount((shingles >> np.uint64(HASH_BITS)).astype(np.int64), minlength=count)


def count_shared(
    shingles: Numbers, count: int, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return for every pair of texts, `left[i]` and `right[i]`, how many shingles both have."""
    starts = np.searchsorted(shingles, np.arange(count + 1, dtype=np.uint64) << np.uint64(HASH_BITS))
    sizes = np.diff(starts)
    one, other = np.where(
        sizes[left] <= sizes[right], (left, right), (right, left)
    )  # look up the smaller in the larger
    pairs = np.repeat(np.arange(len(left)), sizes[one])
    offsets = np.arange(len(pairs)) - np.repeat(np.cumsum(sizes[one]) - sizes[one], sizes[one])
    hashes = shingles[starts[one][pairs] + offsets] & np.uint64((1 << HASH_BITS) - 1)
    wanted = (other[pairs].astype(np.uint64) << np.uint64(HASH_BITS)) | hashes
    places = np.minimum(np.searchsorted(shingles, wanted), max(len(shingles) - 1, 0))
    found = shingles[places] == wanted if len(shingles) else np.zeros(0, np.bool_)
    return np.bincount(pairs[found], minlength=len(left))
