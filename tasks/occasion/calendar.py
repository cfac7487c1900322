"""Words that tell a time ("on Wednesday", "over the weekend", "two days ago") -> the days that they mean.

The kinds follow TIMEX3 (Pustejovsky et al. 2003, TimeML): a calendar date, one relative to the day of writing, one relative
to a time told before, and times that no calendar resolves. What the calendar does not say stays open: a season lies in
other months in the south, and "recently" on no day.
"""

import calendar
import functools
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

import polars as pl

from tasks.lexicons import load_lexicon

_ANCHORS = {
    "date": ("date__m1", "date__m2"), "month": ("month__m",), "weekday": ("weekday__w",), "today": ("today__w",),
    "weekend": ("weekend__w",), "period": ("period__w",), "ago": ("ago__unit",), "year": ("year__y",),
}  # fmt: skip
"""Kind -> the groups of its pattern that can carry its sense."""
_ANAPHORIC = frozenset({"same", "next", "before", "part"})
Precision = Literal["day", "range", "month", "year"]
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_BEFORE = 48
"""Characters before a hint that its expression of time begins in."""
_ANY_WORD = re.compile(r"[^\W_]+")
_WORD = re.compile(r"(?<![\w-])[^\W_]+")
"""A word that an expression can begin with: none begins inside of another word, or behind a hyphen."""
_PART = r"(?:early |late )?(?:morning|afternoon|evening|night|midday|noon|lunchtime)"


class Days(NamedTuple):
    """The first and the last day of a time, and how exactly it is told."""

    first: date
    last: date
    precision: Precision


class TimeWords(NamedTuple):
    """One expression of time in a text: its characters, the one that carries its sense, and its kind in `_GRAMMAR`."""

    start: int
    end: int
    anchor: int
    kind: str
    match: re.Match[str]

    @property
    def is_anaphoric(self) -> bool:
        """Whether it counts from a time told before: the same day, hours later."""
        return self.kind in _ANAPHORIC


@functools.cache
def _names(kind: str) -> dict[str, int]:
    lexicon = load_lexicon("months_weekdays").filter(pl.col("language") == "en", pl.col("kind") == kind)
    return {form: int(number) for form, number in lexicon.select("form", "number").iter_rows()}


def _rules() -> dict[str, tuple[str, str]]:
    """Return the kinds in the order in which they are tried: the words that an expression begins with, and its pattern.

    `0` is any word that begins with a digit; `kind__part` groups are read by `_resolve_…`.
    """
    weekdays = sorted((form for form in _names("weekday") if len(form) > 2), key=len, reverse=True)
    months = sorted((form for form in _names("month") if len(form) > 2), key=len, reverse=True)
    weekday, month, number = "|".join(weekdays), "|".join(months), "|".join(_NUMBERS)
    year = r"(?:1[89]|20)\d\d"
    ordinal = r"\d{1,2}(?:st|nd|rd|th)?"
    unit = r"day|week|month|year|decade|hour|minute"
    return {
        "date": (
            f"on since the 0 {' '.join(weekdays)} {' '.join(months)}",
            rf"(?:(?:on|since) )?(?:(?:{weekday})\.?,? )?(?:the )?(?:(?P<date__m1>{month})\.? (?P<date__d1>{ordinal})(?!\d|:)|(?P<date__d2>{ordinal}) (?:of )?(?P<date__m2>{month}))\b\.?(?:,? (?P<date__y>{year}))?",
        ),
        "month": (
            f"in back last this early late mid earlier later {' '.join(months)}",
            rf"(?:in |back in )?(?P<month__when>last |this |early |late |mid-|earlier in |later in )?(?P<month__m>{month})\b\.?(?:,? (?:of )?(?P<month__y>{year}))?",
        ),
        "weekday": (
            f"early late earlier later on last this the next {' '.join(weekdays)}",
            rf"(?:(?:early|late|earlier|later) )?(?:on )?(?P<weekday__when>last |this past |this |the previous |next )?(?:early |late )?(?P<weekday__w>{weekday})\b(?:\.(?=\s[a-z]))?(?:'s|’s)?(?: {_PART})?",
        ),
        "today": (
            "earlier later late early today todays yesterday yesterdays tonight tonights last this",
            rf"(?:earlier |later |late |early )?(?P<today__w>today|yesterday|tonight|last night|this (?:morning|afternoon|evening))(?: {_PART})?",
        ),
        "weekend": (
            "over during at on the last this",
            r"(?:over |during |at |on )?(?P<weekend__w>the|last|this|this past|the past) weekend",
        ),
        "period": (
            "earlier later early late in during over last this the next",
            r"(?P<period__part>earlier |later |early |late )?(?:in |during |over )?(?P<period__w>last|this|the past|the last|the previous|next) (?P<period__unit>week|month|year)\b",
        ),
        "ago": (
            f"some about nearly almost more just only 0 several many a few {' '.join(_NUMBERS)}",
            rf"(?:some |about |nearly |almost |more than |just |only )?(?P<ago__n>\d{{1,3}}|{number}|several|many|some|a few|few) (?P<ago__unit>{unit})s? ago",
        ),
        "year": (
            "back in",
            rf"(?:back )?in (?:early |late |mid-)?(?P<year__y>{year})(?!\d|,\d|%| (?:people|men|women))",
        ),
        "same": (
            "on later the that earlier a several some two three hours minutes an moments",
            r"(?:on |later )?(?:the same|that same|that) (?:day|afternoon|evening|night|morning)|(?:later|earlier) (?:on )?(?:in|that|on|the same) (?:the )?(?:day|same day|evening|afternoon|morning)|(?:(?:a few|several|some|two|three) )?(?:hours|minutes) (?:later|earlier|after|before)(?= ?[,.]|$| (?!the|his|her|their|its))|an hour (?:later|earlier)|moments (?:later|earlier)|earlier in the day",
        ),
        "next": ("on the a one", r"(?:on )?(?:the (?:next|following) (?:day|morning)|a day later|one day later)"),
        "before": ("on the a", r"(?:on )?the (?:day|night|evening) before(?= ?[,.]|$)|a day earlier"),
        "part": ("in at", rf"(?:in the|at) (?:{_PART})\b"),
        "vague": (
            "in over last this recently the during",
            r"(?:in|over) recent (?:days|weeks|months|years)|last (?:summer|winter|spring|autumn|fall)|this (?:summer|winter|spring|autumn|fall)|recently|the other day|in the (?:last|past) few (?:days|weeks|months|years)|(?:in|during) the (?:\d{4}|nineteen \w+)s",
        ),
    }  # fmt: skip


@functools.cache
def _grammar() -> dict[str, re.Pattern[str]]:
    """For every word that an expression can begin with, the pattern of the kinds that do: no other kind is tried there."""
    rules = _rules()
    kinds_of: dict[str, list[str]] = {}
    for kind, (firsts, _) in rules.items():
        for word in dict.fromkeys(firsts.split()):
            kinds_of.setdefault(word, []).append(kind)
    patterns = {
        kinds: re.compile("|".join(f"(?P<{kind}>{rules[kind][1]})" for kind in kinds), re.I)
        for kinds in set(map(tuple, kinds_of.values()))
    }
    return {word: patterns[tuple(kinds)] for word, kinds in kinds_of.items()}


@functools.cache
def _hints() -> frozenset[str]:
    """Words one of which every expression of time holds: most paragraphs have none, and in the others most words are far from any."""
    named = {form for kind in ("weekday", "month") for form in _names(kind) if len(form) > 2}
    units = {"day", "night", "morning", "afternoon", "evening", "week", "weekend", "month", "year", "decade", "hour", "minute",
             "moment", "today", "yesterday", "tonight", "summer", "winter", "spring", "autumn", "fall"}  # fmt: skip
    years = {str(year) for year in range(1800, 2100)}
    alone = {"ago", "recent", "recently", "noon", "midday", "lunchtime"}
    return frozenset(named | alone | units | years | {f"{word}s" for word in units | years})


@functools.lru_cache(maxsize=2**16)
def _hints_in(printed: str) -> frozenset[str]:
    """Return the hints among the words of what is printed between two blanks."""
    return _hints().intersection(_ANY_WORD.findall(printed))


def _find_windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield the stretches of a text that an expression of time can begin in, in order: those before a hint."""
    folded = text.lower()
    hints = set().union(*map(_hints_in, folded.split()))
    if not hints:
        return
    if len(folded) != len(text):
        yield 0, len(text)  # a capital that is two letters in lower case: places would shift
        return
    places = []
    for word in hints:
        at = folded.find(word)
        while at >= 0:
            places.append((at, at + len(word)))
            at = folded.find(word, at + 1)
    done = 0
    for at, end in sorted(places):
        yield max(at - _BEFORE, done), end
        done = max(done, end)


@functools.lru_cache(maxsize=2**10)  # a paragraph is asked for again with every "same day" behind it
def find_times(text: str) -> tuple[TimeWords, ...]:
    """Return the expressions of time of a text, in order."""
    grammar, done, times = _grammar(), 0, []
    for start, end in _find_windows(text):
        for found in _WORD.finditer(text, start, end):
            word = found.group().lower()
            pattern = grammar.get("0" if word[0].isdecimal() else word)
            if pattern is None or found.start() < done:
                continue
            match = pattern.match(text, found.start())
            if match is None:
                continue
            done = match.end()
            words = _read_match(match)
            if words is not None:
                times.append(words)
    return tuple(times)


def _read_match(match: re.Match[str]) -> TimeWords | None:
    """Return the expression that the grammar matched; None for a word that is a name or a verb as well, and stands alone."""
    kind = str(match.lastgroup)  # groups close from the inside out: the last one closed is that of the kind
    words = match.group()
    if kind == "month" and (words == match["month__m"] or match["month__m"][0].islower()):
        return None  # Jan, April; may, march
    if kind == "weekday" and match["weekday__w"][0].islower():
        return None
    if kind == "period" and match["period__unit"][0].isupper():
        return None  # This Week, a programme
    if kind == "weekday" and words == match["weekday__w"] in {"Sun", "Sat", "Wed", "Mon"}:
        return None
    start, end = match.start(), match.start() + len(words.rstrip(" ,"))
    anchor = next((match.start(part) for part in _ANCHORS.get(kind, ()) if match[part] is not None), start)
    return TimeWords(start, end, anchor, kind, match)


def resolve_time(words: TimeWords, today: date | None, told: Days | None, *, is_future: bool = False) -> Days | None:
    """Return the days that an expression means, None where the calendar does not say.

    Args:
        words: The expression.
        today: The day of writing (of the dateline, else of publication).
        told: The last time told before, which "the same day" counts from.
        is_future: Whether what is told lies ahead: then a weekday is the next such day, not the last.
    """
    match, kind = words.match, words.kind
    if kind == "year":
        return _whole_year(int(match["year__y"]))
    if kind == "date" and match["date__y"]:
        return _one_day(_make_date(int(match["date__y"]), *_month_and_day(match)))
    if kind == "month" and match["month__y"]:
        return _whole_month(int(match["month__y"]), _names("month")[match["month__m"].lower()])
    if words.is_anaphoric:
        return _resolve_anaphor(kind, told)
    if today is None:
        return None
    return _RESOLVERS[kind](match, today, is_future) if kind in _RESOLVERS else None


def _resolve_anaphor(kind: str, told: Days | None) -> Days | None:
    if told is None or told.precision != "day":
        return None
    shift = {"next": _DAY, "before": -_DAY}.get(kind, timedelta())
    return _one_day(told.first + shift)


def _resolve_date(match: re.Match[str], today: date, is_future: bool) -> Days | None:
    """A date without a year is the last such day, or the next: nobody prints a year that readers know."""
    month, day = _month_and_day(match)
    found = _make_date(today.year, month, day)
    if found is None:
        return None
    if found > today and not is_future:
        found = _make_date(today.year - 1, month, day)
    elif found < today and is_future:
        found = _make_date(today.year + 1, month, day)
    return _one_day(found)


def _resolve_month(match: re.Match[str], today: date, is_future: bool) -> Days | None:
    month = _names("month")[match["month__m"].lower()]
    is_past_year = month > today.month or (month == today.month and (match["month__when"] or "").strip() == "last")
    year = today.year - 1 if is_past_year and not is_future else today.year
    whole = _whole_month(year, month)
    if whole.first <= today < whole.last and not is_future:
        return Days(whole.first, today, "range")
    return whole


def _resolve_weekday(match: re.Match[str], today: date, is_future: bool) -> Days | None:
    when = (match["weekday__when"] or "").strip().lower()
    number = _names("weekday")[match["weekday__w"].lower()]
    back = (today.isoweekday() - number) % 7
    if when == "next" or is_future:
        return _one_day(today + timedelta(days=(number - today.isoweekday()) % 7 or 7))
    if back == 0 and when in {"last", "this past", "the previous"}:
        back = 7
    return _one_day(today - timedelta(days=back))


def _resolve_today(match: re.Match[str], today: date, is_future: bool) -> Days | None:
    word = match["today__w"].lower()
    return _one_day(today - _DAY if word in {"yesterday", "last night"} else today)


def _resolve_weekend(match: re.Match[str], today: date, is_future: bool) -> Days | None:
    """The weekend is the one that ends today or ended last; "last weekend" on a Sunday is the one before."""
    is_weekend = today.isoweekday() >= 6
    saturday = today - timedelta(days=(today.isoweekday() - 6) % 7)
    if is_weekend and match["weekend__w"].lower() == "last":
        saturday -= _WEEK
    return Days(saturday, min(saturday + _DAY, today), "range")


def _resolve_period(match: re.Match[str], today: date, is_future: bool) -> Days | None:
    which, unit = match["period__w"].lower(), match["period__unit"].lower()
    if which == "next":
        return None
    if unit == "week":
        monday = today - timedelta(days=today.isoweekday() - 1)
        if which == "this":
            return Days(monday, today, "range")
        if which in {"last", "the previous"}:
            return Days(monday - _WEEK, monday - _DAY, "range")
        return Days(today - _WEEK, today, "range")
    if unit == "month":
        if which == "this":
            return Days(today.replace(day=1), today, "range")
        end = today.replace(day=1) - _DAY
        return (
            _whole_month(end.year, end.month)
            if which in {"last", "the previous"}
            else Days(_add_months(today, -1), today, "range")
        )
    if which == "this":
        return Days(date(today.year, 1, 1), today, "range")
    if which in {"last", "the previous"}:
        return _whole_year(today.year - 1)
    return Days(_add_months(today, -12), today, "range")


def _resolve_ago(match: re.Match[str], today: date, is_future: bool) -> Days | None:
    """Two days ago is a day; so many weeks, months and years ago are as exact as their unit."""
    text, unit = match["ago__n"].lower(), match["ago__unit"].lower()
    count = int(text) if text.isdigit() else _NUMBERS.get(text)
    if unit in {"hour", "minute"}:
        return _one_day(today) if unit == "minute" or (count or 24) < 6 else None
    if count is None or unit == "decade":
        return None
    if unit == "day":
        return _one_day(today - count * _DAY)
    if unit == "week":
        monday = today - timedelta(days=today.isoweekday() - 1) - count * _WEEK
        return Days(monday, monday + 6 * _DAY, "range")
    if unit == "month":
        there = _add_months(today, -count)
        return _whole_month(there.year, there.month)
    return _whole_year(today.year - count)


_RESOLVERS = {
    "date": _resolve_date, "month": _resolve_month, "weekday": _resolve_weekday, "today": _resolve_today,
    "weekend": _resolve_weekend, "period": _resolve_period, "ago": _resolve_ago,
}  # fmt: skip


def _month_and_day(match: re.Match[str]) -> tuple[int, int]:
    month, day = match["date__m1"] or match["date__m2"], match["date__d1"] or match["date__d2"]
    return _names("month")[month.lower()], int(re.sub(r"\D", "", day))


def _one_day(day: date | None) -> Days | None:
    return None if day is None else Days(day, day, "day")


def _whole_month(year: int, month: int) -> Days:
    return Days(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]), "month")


def _whole_year(year: int) -> Days | None:
    return Days(date(year, 1, 1), date(year, 12, 31), "year") if year >= 1 else None


def _add_months(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _make_date(year: int, month: int, day: int) -> date | None:
    if not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None  # February 29 of another year, June 31
    return date(year, month, day)
