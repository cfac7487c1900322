"""What every block of a text is: features, known forms, the stretch that is the article, and rules that give the label."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from tasks.lexicons import load_lexicon

TERMINAL = r"""[.!?…。！？؟।][\])"'”’»“›*]*$"""
AGENCY = "\x04"
"""Stands for the name of an agency in the text that patterns see."""
LEAST_SCORE = -0.3
"""Log-odds above which a line of a page is part of the article: a paragraph lost costs more than a line too many."""


class Rule(NamedTuple):
    """A label and its reason, which hold `where` the `text` has the `pattern` and `also` is true; the first rule that holds wins.

    `where` is cheap and may look at other rows; the rest is only looked at in the rows that it leaves. Polars compiles the
    patterns anew in every call, which costs more than the few lines that they are about: without such a line it does not.
    """

    label: str
    reason: str
    where: pl.Expr
    pattern: str | None = None
    text: pl.Expr = pl.col("text")
    also: pl.Expr | None = None

    def find(self, blocks: pl.DataFrame, where: pl.Series) -> np.ndarray:
        """Return the numbers of the rows of blocks in which the rule holds, of those in which `where` is true."""
        rows = where.arg_true().to_numpy()
        for condition in (self.pattern and self.text.str.contains(self.pattern), self.also):
            if isinstance(condition, pl.Expr) and len(rows):
                holds = blocks[rows].select(holds=condition)["holds"].fill_null(False)
                rows = rows[holds.to_numpy()]
        return rows


_FORM_CHARS = 300
_END_CHARS = 90
_OPEN, _SHUT = "\x02", "\x03"
_NAME = r"\p{Lu}[\p{L}\p{M}.'’-]*"
_NAMES = rf"{_NAME}(?:\s+(?:{_NAME}|of|de|del|der|den|van|von|da|di|do|dos|el|al|bin|la|le|ter|zu)){{0,5}}"


@cache
def month_names() -> str:
    """Return an alternation of the names of months in every language of the lexicon, longest first."""
    forms = load_lexicon("months_weekdays").filter(pl.col("kind") == "month")["form"].unique().to_list()
    return "|".join(sorted((form.replace(".", r"\.") for form in forms), key=lambda form: (-len(form), form)))


@cache
def date_pattern() -> str:
    """Return a pattern of a full date (day, month and year in any printed order), without case."""
    month = rf"(?:{month_names()})\.?"
    day = r"[0-3]?[0-9](?:st|nd|rd|th|\.|º)?"
    year = r"(?:19|20)[0-9]{2}"
    return (
        rf"(?i:{day}\s?(?:de\s|of\s|-)?\s?{month},?(?:\sde|\sdel|-)?\s?{year}|{month}\s{day},?\s{year}"
        rf"|{year}-[01][0-9]-[0-3][0-9]|{year}/[01][0-9]/[0-3][0-9]|{year}年\s?[0-9]{{1,2}}月\s?[0-9]{{1,2}}日"
        rf"|[0-3]?[0-9][./][0-3]?[0-9][./](?:19|20)?[0-9]{{2}})"
    )


@cache
def agency_names() -> tuple[str, ...]:
    """Return the names and acronyms of agencies, longest first."""
    agencies = load_lexicon("agencies")
    names = {*agencies["name"], *agencies["aliases"].explode().drop_nulls()}
    return tuple(sorted(names, key=lambda name: (-len(name), name)))


def mark_agencies(text: pl.Expr) -> pl.Expr:
    """Return `text` with the name of every agency replaced by AGENCY: patterns over hundreds of names would be slow."""
    return text.str.replace_many(dict.fromkeys(agency_names(), AGENCY), leftmost=True)


def fold_text(text: pl.Expr) -> pl.Expr:
    """Return `text` in lower case with straight apostrophes and marks."""
    return text.str.to_lowercase().str.replace_all("[’‘`´]", "'").str.replace_all("[“”„«»]", '"')


def measure_blocks(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add what the rules look at to blocks (`doc`, `text`), in their order.

    `words` and `chars`; `is_terminal`: ends like a sentence; `is_prose`: long enough for one, too; `has_lower`;
    `copies`: how often the text stands in the document; `folded`: lower
    case, straight apostrophes, without bullets and final marks, between two sentinels for the known forms.
    """
    text = pl.col("text")
    return (
        blocks.with_columns(
            chars=text.str.len_chars(),
            words=text.str.count_matches(" ", literal=True) + 1,
            tail=text.str.tail(6),
            end=text.str.tail(_END_CHARS),
            has_letter=text.str.contains(r"[\p{L}\p{N}]"),
            has_lower=text.str.contains(r"\p{Ll}"),
            copies=pl.len().over("doc", "text"),
            folded=pl.concat_str(
                pl.lit(_OPEN),
                fold_text(text.str.head(_FORM_CHARS)).str.replace(r"^[^\p{L}\p{N}(©'\"“_*#-]+", "")
                .str.replace(r"[\s:.…!»›→>|·]+$", ""),
                pl.lit(_SHUT),
            ),
        )
        .with_columns(
            is_terminal=pl.col("tail").str.contains(TERMINAL),
            long=pl.max_horizontal(pl.col("words"), pl.col("chars") // 12),
        )
        .with_columns(is_prose=pl.col("is_terminal") & (pl.col("long") >= 8))
    )  # fmt: skip


@cache
def _known_forms() -> pl.DataFrame:
    """The lexicon of known forms with `pattern`, the form between the sentinels that `match` asks for; the strictest first."""
    order = {"line": 0, "start": 1, "anywhere": 2}
    opened = pl.when(pl.col("match") == "anywhere").then(pl.lit("")).otherwise(pl.lit(_OPEN))
    shut = pl.when(pl.col("match") == "line").then(pl.lit(_SHUT)).otherwise(pl.lit(""))
    return (
        load_lexicon("notices")
        .with_columns(
            pattern=pl.concat_str(opened, pl.col("form"), shut),
            rank=pl.col("match").replace_strict(order, return_dtype=pl.Int8),
        )
        .sort("rank", pl.col("form").str.len_chars() * -1, "form")
        .select("pattern", "match", form_label="label", form_reason="reason", form_closes=pl.col("closes") == "1")
    )


def match_known_forms(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add the known form (notices lexicon) of each block: `form_label`, `form_reason`, `form_closes`, `match`; null without one.

    A form at the start must end at a word's end, and a long sentence only begins like one by chance.
    """
    forms = _known_forms()
    found = blocks["folded"].str.extract_many(forms["pattern"].implode(), leftmost=True).list.first()
    matched = blocks.with_columns(pattern=found).join(forms, on="pattern", how="left", maintain_order="left")
    after = pl.col("folded").str.slice(pl.col("pattern").str.len_chars(), 1)
    is_broken = (
        (pl.col("match") == "start")
        & after.str.contains(r"[\p{L}\p{N}]")
        & pl.col("pattern").str.contains(r"[\p{L}\p{N}]$")
    )
    is_by_chance = (pl.col("match") == "start") & (pl.col("long") > 30)
    is_form = ~(is_broken | is_by_chance)
    return matched.with_columns(
        pl.when(is_form).then(pl.col(name)).alias(name)
        for name in ("form_label", "form_reason", "form_closes", "match")
    )


_STRETCH_POINTS = (  # what a block says for (above 0) or against the stretch around it
    (pl.col("is_prose"), 0.5 + pl.min_horizontal(pl.col("long"), 40) / 8),
    (pl.col("is_terminal") & ~pl.col("is_prose") & (pl.col("long") >= 3), 0.4),
    (~pl.col("is_terminal"), pl.when(pl.col("long") >= 20).then(1.0).otherwise(-1.0)),
    (pl.col("form_label").is_not_null(), -3.0),
    (pl.col("is_closing"), -6.0),
)


def find_stretch(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add `place` (number of the block in the frame) and the `first` and `last` place of its document's article.

    The stretch is the maximum subsequence of the blocks' points, as in J. Pasternack and D. Roth, Extracting Article Text
    from the Web with Maximum Subsequence Segmentation (WWW 2009), with points of lines in place of tokens.
    """
    points = sum((pl.when(when).then(value).otherwise(0.0) for when, value in _STRETCH_POINTS), pl.lit(0.0))
    is_closing = pl.col("form_closes").fill_null(False) & (pl.col("long") <= 12)
    return (
        blocks.with_columns(is_closing=is_closing)
        .with_columns(points=points, place=pl.int_range(pl.len(), dtype=pl.Int64))
        .with_columns(total=pl.col("points").cum_sum().over("doc"))
        .with_columns(before=pl.col("total") - pl.col("points"))
        .with_columns(lowest=pl.col("before").cum_min().over("doc"))
        .with_columns(gain=pl.col("total") - pl.col("lowest"))
        .with_columns(
            last=pl.col("place").get(pl.col("gain").arg_max()).over("doc"),
            lowest_at_last=pl.col("lowest").get(pl.col("gain").arg_max()).over("doc"),
        )
        .with_columns(
            first=pl.col("place")
            .filter((pl.col("before") == pl.col("lowest_at_last")) & (pl.col("place") <= pl.col("last")))
            .max()
            .over("doc")
        )
        .drop("points", "total", "before", "lowest", "lowest_at_last", "gain")
    )


def take_near(column: str | pl.Expr, offset: int) -> pl.Expr:
    """Return the value of `column` in the row `offset` places below (above when negative), null in another document.

    The rows of a document stand together: a shift of the whole column and a look at `doc` costs an eighth of a window.
    """
    expression = pl.col(column) if isinstance(column, str) else column
    return pl.when(pl.col("doc") == pl.col("doc").shift(-offset)).then(expression.shift(-offset))


def look_where(condition: pl.Expr, text: pl.Expr | None = None) -> pl.Expr:
    """Return the text where the condition holds, else null: what a pattern does not see costs nothing."""
    return pl.when(condition).then(pl.col("text") if text is None else text)


def apply_rules(blocks: pl.DataFrame, rules: Sequence[Rule], label: pl.Expr, reason: pl.Expr) -> pl.DataFrame:
    """Add `label` and `reason`: those of the first rule that holds, else the given ones."""
    wheres = blocks.select(rule.where.alias(str(place)) for place, rule in enumerate(rules))
    first = np.full(blocks.height, len(rules), np.uint32)
    for place, rule in reversed(list(enumerate(rules))):
        first[rule.find(blocks, wheres[str(place)])] = place
    ruled = pl.Series(first)
    labels, reasons = (pl.Series([rule[part] for rule in rules] + [None], dtype=pl.String) for part in (0, 1))
    return blocks.with_columns(label=pl.coalesce(labels[ruled], label), reason=pl.coalesce(reasons[ruled], reason))


def find_article(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add `is_inside`: whether the block is in the article, by the score of its line on a page, else by its place.

    A text that is not a whole page is the article from its first sentence on, up to the first closing form (related content,
    comment form) behind which less than a fifth of its sentences stands.
    """
    is_likely = pl.col("score") > LEAST_SCORE
    is_free = pl.col("alone_label").is_null()
    weight = pl.when(pl.col("is_prose") & is_free).then(pl.col("long")).otherwise(0)
    later = (weight.sum().over("doc") - weight.cum_sum().over("doc")) * 5
    is_long = is_free & (pl.col("long") >= 18)
    is_end = (
        pl.col("is_closing")
        | (pl.col("form_label") == "comment_form").fill_null(False)
        | (pl.col("form_reason") == "copyright").fill_null(False)
    ) & (later < weight.sum().over("doc"))
    has_prose = (weight > 0).any().over("doc")
    starts = (
        (weight > 0)
        | is_long
        | (
            ~has_prose
            & is_free
            & ((pl.col("place") > pl.col("place").min().over("doc")) | (is_free.sum().over("doc") == 1))
        )
    )
    blocks = blocks.with_columns(starts=starts, is_end=is_end).with_columns(
        first_of_text=pl.col("place").filter("starts").min().over("doc"),
        end_of_text=pl.col("place").filter("is_end").min().over("doc"),
        last_place=pl.col("place").max().over("doc"),
    )
    return blocks.with_columns(
        first=pl.when("is_page").then("first").otherwise(pl.coalesce("first_of_text", pl.col("last_place") + 1)),
        last=pl.when("is_page").then("last").otherwise(pl.coalesce(pl.col("end_of_text") - 1, "last_place")),
    ).with_columns(
        is_inside=pl.when(pl.col("is_page") & is_likely.any().over("doc"))
        .then(is_likely)
        .otherwise(pl.col("place").is_between("first", "last"))
    )


def find_title(blocks: pl.DataFrame, documents: pl.DataFrame) -> pl.DataFrame:
    """Add `title_place` (place of the headline in the frame, null without one) and `is_title`, true for its copies too.

    `documents` has `doc`, `metadata_title` and `page_title`. A headline is the line that the metadata or the page names; else the likeliest before or
    at the first sentence: it does not end in a full stop, a sentence follows, and it is the first line, is printed twice, is the
    main heading of its page, is long for a line of its kind, or stands close to the article.
    """
    told = documents.select(
        "doc", told=fold_text(pl.coalesce("metadata_title", "page_title")).str.replace(r"[\s:.…!]+$", "")
    )
    below = look_where(pl.col("is_top"), take_near("folded", 1))
    starts_next = (
        below.str.starts_with(pl.concat_str(pl.lit(_OPEN), "own"))
        & (below != pl.col("folded"))
        & (pl.col("words") >= 3)
    ).fill_null(False)
    blocks = blocks.with_columns(
        own=pl.col("folded").str.strip_chars(_OPEN + _SHUT), is_top=pl.col("doc").is_first_distinct()
    ).with_columns(starts_next=starts_next)
    own, starts_next = pl.col("own"), pl.col("starts_next")
    is_sentence = pl.col("is_prose") & pl.col("alone_label").is_null() & (pl.col("copies") == 1)
    later_sentence = is_sentence.reverse().cum_max().reverse().shift(-1).over("doc").fill_null(False)
    distance = pl.col("first") - pl.col("place")
    is_main_heading = (pl.col("tag") == "h1").fill_null(False) if "tag" in blocks.columns else pl.lit(False)
    is_candidate = (
        (~pl.col("tail").str.contains(r"""\.["”’)]*$""") | starts_next)
        & pl.col("form_label").is_null()
        & (pl.col("alone_label").is_null())
        & pl.col("long").is_between(2, 30)
        & (distance >= 0)
        & later_sentence
    )
    score = (
        pl.min_horizontal("long", 12) / 4
        - pl.min_horizontal(distance, 60) * 0.15
        + pl.col("is_top").cast(pl.Float64) * 1.5
        + pl.col("copies").is_between(2, 4).cast(pl.Float64) * 2
        + starts_next.cast(pl.Float64) * 3
        + is_main_heading.cast(pl.Float64) * 3
        - (pl.col("long") > 20).cast(pl.Float64)
        - look_where(pl.col("is_candidate")).str.contains(r"\s[|·–—»-]\s[^|·–—»-]{2,40}$").cast(pl.Float64)
        * 2  # the site's name
    )
    is_told = (own == pl.col("told")) & (is_sentence & (own != pl.col("told"))).any().over("doc")
    return (
        blocks.join(told, on="doc", how="left", maintain_order="left")
        .with_columns(is_candidate=is_candidate, is_told=is_told)
        .with_columns(title_score=pl.when("is_told").then(100.0).when("is_candidate").then(score))
        .with_columns(
            title_place=pl.when(pl.col("title_score").max().over("doc") > 0).then(
                pl.col("place").get(pl.col("title_score").arg_max()).over("doc")
            )
        )
        .with_columns(title_folded=own.filter(pl.col("place") == pl.col("title_place")).first().over("doc"))
        .with_columns(
            is_title=((own == pl.col("title_folded")) | pl.col("is_told")).fill_null(False),
            is_titled_page=(
                look_where(pl.col("place") < pl.col("first"), own).str.starts_with(pl.col("title_folded"))
                & (pl.col("title_folded").str.len_chars() >= 12)
            ).fill_null(False),
        )
    )


@cache
def rules_alone() -> tuple[Rule, ...]:
    """Return the rules that need nothing but the block itself."""
    text, end = pl.col("text"), pl.col("end_marked")
    is_line = (pl.col("words") <= 16) & ~pl.col("is_prose")
    has_agency = end.str.contains(AGENCY, literal=True)
    is_credit = is_line & (pl.col("chars") <= _END_CHARS) & has_agency
    is_dated = pl.col("words") <= text.str.count_matches(_DATE_WORDS) + 4
    return (
        Rule("junk", "lone_marks", ~pl.col("has_letter")),
        Rule("date", "date_line", look_where(is_line).str.contains("[0-9]"), date_pattern(), also=is_dated),
        Rule("byline", "byline", look_where(is_line).str.contains(_BYLINE_WORD), rf"^(?:By|BY|Von|VON|Par|PAR|Por|POR|Door|Av|Di|Text|Autor|Author|Written by)\s*:?\s+{_NAMES}(?:(?:\s*,|\s*&|\s+and|\s+und|\s+et|\s+y|\s+AND)\s+.{{2,60}}|\s+in\s+{_NAMES}|\s*[|/–—-].{{0,60}})?$"),
        Rule("notice", "contributors", text.str.contains("contributed ", literal=True) & (pl.col("words") <= 60), rf"^[(]?{_NAME}\s.{{3,200}}\bcontributed (?:to this|reporting|research|additional reporting)\b"),
        Rule("notice", "agency_sign_off", text.str.contains_any(list(_SIGN_OFFS)), r"^\(?(?:Additional )?(?:[Rr]eporting|[Ww]riting|[Ee]diting|[Cc]ompiled) by [^.]{3,200}\)?\.?$"),
        Rule("credit", "agency_alone", is_credit, rf"^(?:[^.!?(){AGENCY}]{{0,60}}(?:/|, via |\bvia |©\s?|\|\s?))(?:{AGENCY}|{_NAME}/{AGENCY})(?:/[^.!?]{{2,40}})?\)?\.?$", end),
        Rule("credit", "agency_name", is_credit, rf"^{AGENCY}(?: via {AGENCY})?$", end),
        Rule("credit", "name_slash_source", (pl.col("words") <= 9) & text.str.contains("/", literal=True), rf"^{_NAMES}\s?/\s?{_NAME}(?:\s{_NAME}){{0,4}}(?:, via {_NAMES}|/{_NAMES})?$"),
        Rule("caption", "credit_at_end", (pl.col("words") >= 5) & end.str.contains(f"[/{AGENCY}]"), rf"[.!?”\"’)]\s?\(?(?:\p{{Lu}}[^.!?/()]{{1,40}}/\s?(?:{AGENCY}|[A-Z]{{2,6}})(?:(?:/| via ).{{2,30}})?|(?:© ?)?{AGENCY}(?: [Pp]hoto)?)\)?\.?$", end),
        Rule("caption", "credit_in_parentheses", (pl.col("words") >= 5) & has_agency, rf"\((?:[^(){AGENCY}]{{0,60}}[/,:© ])?{AGENCY}(?:[/ ][^()]{{0,60}})?\)\.?$", end),
        Rule("caption", "dated_scene", pl.col("words").is_between(8, 70) & pl.col("end").str.contains("[0-9]"), rf"(?:,| on) (?:\p{{Lu}}\p{{Ll}}+,? )?(?:the )?{date_pattern()}\.?$", pl.col("end"), text.str.contains(_SCENE)),
    )  # fmt: skip


_BYLINE_WORD = r"^(?:By|BY|Von|VON|Par|PAR|Por|POR|Door|Av|Di|Text|Autor|Author|Written by)"
_SIGN_OFFS = ("eporting by", "riting by", "diting by", "ompiled by")
_DATE_WORDS = r"[0-9]+(?:[:.,/-][0-9]+)*|(?i:\b(?:am|pm|a\.m\.|p\.m\.|gmt|utc|est|edt|et|cet|bst|ist|uhr|updated|published|posted|modified|last|on|at|first|date|mon|tue|wed|thu|fri|sat|sun))|day\b|(?i:tag\b)"
_SCENE = r"(?:\b(?:left|right|center|centre|seen|pictured|shown|background|foreground|file)\b|\b(?:speaks?|poses?|walks?|stands?|attends?|arrives?|holds?|waves?|looks?|takes? part|gestures?|listens?|addresses|meets?|shakes?|sits?|visits?|leaves?|talks?|smiles?|delivers?|works?|plays?)\b)"


def label_alone(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add `alone_label` and `alone_reason`: the first rule that needs no neighbour, else the known form, else null.

    The rules run on the few blocks that are short or end like a credit: most blocks are sentences of an article.
    """
    blocks = blocks.with_row_index("row")
    is_suspect = (
        ((pl.col("words") <= 16) & ~pl.col("is_prose"))
        | pl.col("tail").str.contains(r"[)0-9]\.?$")
        | pl.col("end").str.contains(r"[/©]|via")
        | pl.col("text").str.contains_any(["contributed ", *_SIGN_OFFS])
    )
    suspects = blocks.filter(is_suspect).with_columns(end_marked=mark_agencies(pl.col("end")))
    labelled = apply_rules(suspects, rules_alone(), pl.col("form_label"), pl.col("form_reason")).select(
        "row", alone_label="label", alone_reason="reason"
    )
    return (
        blocks.join(labelled, on="row", how="left", maintain_order="left")
        .with_columns(
            alone_label=pl.coalesce("alone_label", "form_label"),
            alone_reason=pl.coalesce("alone_reason", "form_reason"),
        )
        .drop("row")
    )


def label_slogans(blocks: pl.DataFrame) -> pl.DataFrame:
    """Label the sentence that a site prints above its headlines: the first line, short, and right below it a line like a headline."""
    is_first = pl.col("doc").is_first_distinct()
    is_headline = ~pl.col("is_terminal") & pl.col("long").is_between(3, 20) & pl.col("alone_label").is_null()
    is_slogan = (
        is_first
        & pl.col("is_terminal")
        & pl.col("long").is_between(4, 25)
        & ~look_where(is_first & pl.col("is_terminal")).str.contains('[“”"«»]')
        & take_near(is_headline, 1)
        & (take_near("is_prose", 2) | take_near("alone_label", 2).is_not_null())
        & (pl.col("alone_label").is_null() | pl.col("form_label").is_not_null())
    ).fill_null(False)
    return (
        blocks.with_columns(is_slogan=is_slogan)
        .with_columns(
            alone_label=pl.when("is_slogan").then(pl.lit("promotion")).otherwise("alone_label"),
            alone_reason=pl.when("is_slogan").then(pl.lit("slogan_above_headline")).otherwise("alone_reason"),
        )
        .drop("is_slogan")
    )


def label_datelines(blocks: pl.DataFrame) -> pl.DataFrame:
    """Label datelines that have lines of their own: place, agency and dash above the first sentence, or all in one line.

    Only the first of a document is one.
    """
    is_name = (
        (pl.col("words") <= 4)
        & ~pl.col("is_terminal")
        & (pl.col("alone_label").is_null() | (pl.col("alone_reason") == "agency_name"))
    ).fill_null(False)
    is_name = look_where(is_name).str.contains(r"^\p{Lu}[^.!?|:]*$").fill_null(False)
    is_dash = look_where(pl.col("chars") <= 2).str.contains("^[—–-]{1,2}$").fill_null(False)
    blocks = blocks.with_columns(is_name=is_name, opens=is_dash & take_near("is_prose", 1))
    blocks = blocks.with_columns(
        opens=pl.col("opens") & (pl.col("opens").cum_sum().over("doc") == 1) & take_near("is_name", -1)
    )
    is_alone = look_where((pl.col("words") <= 8) & pl.col("tail").str.contains("[—–-]$")).str.contains(
        r"^\p{Lu}[\p{L}0-9 .,'’-]{2,40}(?:\([^()]{2,40}\))?\s?[—–-]{1,2}$"
    ) & take_near("is_prose", 1)
    is_above_agency = take_near("opens", 2) & pl.col("is_name") & take_near("is_name", 1) & (pl.col("words") <= 3)
    reason = (
        pl.when("opens")
        .then(pl.lit("dash_of_dateline"))
        .when(take_near("opens", 1) & pl.col("is_name"))
        .then(pl.lit("place_or_agency_above_dash"))
        .when(is_above_agency)
        .then(pl.lit("place_above_agency"))
        .when(is_alone)
        .then(pl.lit("dateline_alone"))
    )
    return (
        blocks.with_columns(dateline=reason)
        .with_columns(
            alone_label=pl.when(pl.col("dateline").is_not_null()).then(pl.lit("dateline")).otherwise("alone_label"),
            alone_reason=pl.coalesce("dateline", "alone_reason"),
        )
        .drop("dateline", "is_name", "opens")
    )


def rules_in_context() -> tuple[Rule, ...]:
    """Return the rules that look at neighbours, at the headline and at the stretch that is the article."""
    text, alone = pl.col("text"), pl.col("alone_label")
    is_short = (pl.col("long") <= 12) & ~pl.col("is_terminal") & (pl.col("words") >= 2)
    is_above_caption = ~pl.col("is_page") & is_short & alone.is_null() & (take_near("alone_label", 1) == "caption")
    capitalized = text.str.head(80).str.count_matches(r"(?:^|\s)[\p{Lu}\p{N}]")
    is_head = pl.col("place") < pl.col("first")
    in_capitals = ~pl.col("has_lower") & (pl.col("words") >= 3) & alone.is_null() & ~is_head & ~pl.col("is_page")
    is_late = (pl.col("place") + 4 > pl.col("last")) & (pl.col("words") <= 60)
    about_author = look_where(is_late, text.str.head(200)).str.contains_any(list(_AUTHOR_WORDS))
    return (
        Rule("title", "headline", pl.col("is_title") & (pl.col("place") == pl.col("title_place"))),
        Rule("title", "repeats_title", pl.col("is_title")),
        Rule("title", "repeats_title", pl.col("is_titled_page") & alone.is_null()),
        Rule("caption", "keywords_above_caption", is_above_caption, also=capitalized * 10 >= pl.col("words") * 7),
        Rule("promotion", "capitals_only", in_capitals, r"\p{Lu}{2}"),
        Rule("notice", "author_line", about_author, _AUTHOR_LINE, text.str.head(200)),
    )


_AUTHOR_WORDS = (
    "reporter", "writer", "correspondent", "columnist", "editor", "journalist", "contributor", "author",
    " writes ", " reports ", " covers ", " has covered ", " blogs ", " joined ", " can be reached at",
)  # fmt: skip
_AUTHOR_LINE = (
    rf"^(?:{_NAMES}|[A-Z][A-Z .'-]+) (?:(?:is|was) (?:a|an|the|our)\b.{{0,80}}\b(?:reporter|writer|correspondent|columnist|editor|journalist|contributor|author)\b"
    r"|(?:writes|reports|covers|has covered|blogs) (?:about|on|for|from)?\b|joined .{2,40} (?:in|as)\b|can be reached at\b)"
)


def label_blocks(blocks: pl.DataFrame) -> pl.DataFrame:
    """Add `label` and `reason` to every block: rules in context, then rules alone, then the place in the text."""
    is_head = pl.col("place") < pl.col("first")
    is_tail = pl.col("place") > pl.col("last")
    label = pl.coalesce("alone_label", pl.when("is_inside").then(pl.lit("body")).otherwise(pl.lit("navigation")))
    reason = pl.coalesce(
        "alone_reason",
        pl.when("is_inside")
        .then(pl.lit("in_article"))
        .when(is_head)
        .then(pl.lit("before_article"))
        .when(is_tail)
        .then(pl.lit("after_article"))
        .otherwise(pl.lit("unlike_article")),
    )
    return apply_rules(blocks, rules_in_context(), label, reason).pipe(_label_under_title).pipe(_label_headings)


def _label_under_title(blocks: pl.DataFrame) -> pl.DataFrame:
    """Say what stands between the headline and the first sentence of a text: one or two lines are subtitles, a table is body."""
    is_under = ~pl.col("is_page") & (pl.col("reason") == "before_article") & (pl.col("place") > pl.col("title_place"))
    has_number = look_where(is_under).str.contains("[0-9]").fill_null(False)
    count, numbers = is_under.sum().over("doc"), has_number.sum().over("doc")
    is_table = is_under & (count >= 3) & (numbers * 2 >= count)
    is_subtitle = is_under & (count <= 2) & (pl.col("long") >= 4)
    rules = (Rule("body", "table_under_headline", is_table), Rule("subtitle", "under_headline", is_subtitle))
    return apply_rules(blocks, rules, pl.col("label"), pl.col("reason"))


def _label_headings(blocks: pl.DataFrame) -> pl.DataFrame:
    """Turn short lines without an end between sentences of the body into headings."""
    is_body = pl.col("label") == "body"
    is_heading = (
        is_body & ~pl.col("is_terminal") & (pl.col("long") <= 14) & take_near(is_body, 1) & take_near("is_prose", 1)
    )
    starts_in_capital = ~pl.col("text").str.contains(r"^[^\p{Lu}\p{N}]*\p{Ll}")
    rules = (Rule("heading", "short_line_between_sentences", is_heading, also=starts_in_capital),)
    return apply_rules(blocks, rules, pl.col("label"), pl.col("reason"))
