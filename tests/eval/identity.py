"""Who is who over documents: clusters of names against annotated ones, and ids of Wikidata against entities.

Only names are scored: of an annotated mention the part that is a name (`Acme CEO Ann Lee`: `Ann Lee`), if there is one.
With gold mentions these names go through the grouping of documents and the links of the corpus; end to end the names that the
pipeline found are matched with them by the most shared characters.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tasks.identity.document_entities import group_mentions
from tasks.identity.linking.keys import generic_words
from tasks.identity.links import link_entities
from tasks.identity.mentions import Mention
from tasks.identity.name_types import role_kinds
from tasks.identity.names import count_title_words, fold_name, is_given_name, is_particle, split_title, titles
from tests.eval.clusters import score_clusters
from warehouse.tables import DOCUMENT_ENTITIES

Record = Mapping[str, Any]
Row = Mapping[str, Any]

MENTION_COLUMNS = ("start_char", "end_char", "mention_text", "entity_type", "entity_id", "title")
"""What is read of our mentions beside the id of their document."""

_TYPES = {"PER": "person", "ORG": "organization", "LOC": "place", "HUM": None}
_LEADING = re.compile(
    r"^(?:(?:in|at|on|of|off|from|to|into|near|outside|by|the|a|an|its|his|her|their|'|\"|``|\s)+)(?=\s|\b[A-Z])",
    re.IGNORECASE,
)
_END = re.compile(
    r",| \(| (?:in|at|on|near|off|outside|along|between|under|from|with) | who | which | that | -- |['’]s?$|[;:]$|(?<!\.[A-Za-z])(?<!Inc)(?<!Corp)(?<!Co)\.$| ['’]s$"
)
_SMALL = frozenset({"of", "the", "and", "for", "de", "la", "&"})
_PRONOUNS = frozenset(
    [
        "i",
        "we",
        "he",
        "she",
        "they",
        "it",
        "you",
        "his",
        "her",
        "its",
        "our",
        "their",
        "your",
        "my",
        "them",
        "him",
        "us",
        "who",
        "which",
        "that",
        "this",
        "these",
        "those",
        "one",
        "all",
    ]
)


@dataclass(frozen=True)
class GoldName:
    """The part of an annotated mention that is a name, with its characters in the text and the words before it."""

    document: str
    start: int
    end: int
    text: str
    entity_type: str | None
    title: str | None
    paragraph: int
    cluster: str


def list_gold_names(record: Record) -> list[GoldName]:
    """Return the annotated names of people, organizations and places of one document, in the order of the text."""
    lower = set(re.findall(r"\b[a-z][\w’'-]*", record["text"]))
    names = {
        (name.start, name.end): name
        for mention in record["mentions"]
        if mention["type"] in _TYPES and (name := _read_name(record, mention, lower))
    }
    return [names[span] for span in sorted(names)]


def _read_name(record: Record, mention: Row, lower: set[str]) -> GoldName | None:
    text, start = record["text"], mention["start"]
    words = text[start : mention["end"]]
    if leading := _LEADING.match(words):
        start += leading.end()
        words = words[leading.end() :]
    ends = [found.start() for found in _END.finditer(words) if found.start()]
    words = words[: min(ends)] if ends else words
    tokens = list(re.finditer(r"\S+", words))
    first = len(tokens)
    while first and (tokens[first - 1][0][:1].isupper() or (first < len(tokens) and _is_inner(tokens[first - 1][0]))):
        first -= 1
    while first < len(tokens) and not tokens[first][0][:1].isupper():
        first += 1
    if mention["type"] in ("PER", "HUM"):
        after_role = [n + 1 for n in range(first, len(tokens) - 1) if _is_role(tokens[n][0]) and n + 1 < len(tokens)]
        first = max([first, *after_role])
        while first < len(tokens) and not tokens[first][0][:1].isupper():
            first += 1
        first += split_title([token[0] for token in tokens[first:]]) if first < len(tokens) else 0
    if first >= len(tokens):
        return None
    own = [token[0] for token in tokens[first:]]
    if _is_role(own[-1]) or fold_name(own[-1]) in _PRONOUNS or "and" in own or own[-1].lower().strip(".") in titles():
        return None
    if len(own) == 1 and (own[0].lower() in lower or fold_name(own[0]) in generic_words()):
        return None
    first_char, last_char = start + tokens[first].start(), start + tokens[-1].end()
    before = text[max(0, first_char - 80) : first_char].split()[-6:]
    count = count_title_words(before) if text[:first_char].endswith(" ") else 0
    title = " ".join(before[-count:]) if count else None
    if "Singleton" in mention["cluster"]:  # annotated in its document only: the FBI is one of its own in each
        return None
    cluster = re.sub(r"^(?:cross_|intra_)+", "", mention["cluster"])  # one instance under several schemes of annotation
    entity_type = _TYPES[mention["type"]]
    number = text.count("\n", 0, first_char)
    name = text[first_char:last_char]
    return GoldName(str(record["id"]), first_char, last_char, name, entity_type, title, number, cluster)


def _is_inner(word: str) -> bool:
    return word.lower() in _SMALL or is_particle(word)


def _is_role(word: str) -> bool:
    folded = word.lower().strip(".,")
    return (folded in role_kinds() and role_kinds()[folded] != "organization") or folded in (
        "ceo",
        "boss",
        "capt",
        "coach",
    )


def score_coreference(records: Sequence[Record], mentions: pl.DataFrame) -> dict[str, float]:
    """Score the clusters of names of one set, with gold mentions and end to end, and those of equal strings.

    Args:
        records: Documents with `id`, `topic`, `text` and `mentions`.
        mentions: Ours: `document` (the id), `start_char`, `end_char`, `entity_type`, `entity_id`, names only.

    Returns:
        Scores named `gold.*`, `end_to_end.*` and `same_string.*` as `score_clusters` names them.
    """
    found = _group_rows(mentions)
    names = [name for record in records for name in list_gold_names(record)]
    topics = {str(record["id"]): str(record["topic"]) if _is_by_topic(record) else "" for record in records}
    matched = {name: row for document, own in _group_names(names) for name, row in match_names(own, found[document])}
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for name, row in matched.items():
        votes[fold_name(name.text)][str(row["entity_type"])] += 1
    others = {str(record["id"]): list(_list_others(record, names, found[str(record["id"])])) for record in records}
    entities = link_gold_names(names, votes, others)
    key = {name: name.cluster for name in names}
    responses = {
        "gold": {name: (topics[name.document], entities[name]) for name in names},
        "end_to_end": {name: (topics[name.document], row["entity_id"]) for name, row in matched.items()},
        "same_string": {name: (topics[name.document], fold_name(name.text).removeprefix("the ")) for name in names},
    }
    return {
        f"{kind}.{score}": value
        for kind, response in responses.items()
        for score, value in score_clusters(key, response).items()
    }


def _is_by_topic(record: Record) -> bool:
    """Whether clusters are annotated in a topic only: their ids begin with it."""
    return any(mention["cluster"].startswith(f"{record['topic']}_") for mention in record["mentions"])


def _group_rows(mentions: pl.DataFrame) -> Mapping[str, list[Row]]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in mentions.sort("document", "start_char").iter_rows(named=True):
        rows[row["document"]].append(row)
    return rows


def _group_names(names: Iterable[GoldName]) -> Iterator[tuple[str, list[GoldName]]]:
    own: dict[str, list[GoldName]] = defaultdict(list)
    for name in names:
        own[name.document].append(name)
    yield from own.items()


def match_names(names: Sequence[GoldName], rows: Sequence[Row]) -> Iterator[tuple[GoldName, Row]]:
    """Yield the pairs of annotated names and ours that share the most characters, each at most once."""
    shared = [
        (min(name.end, row["end_char"]) - max(name.start, row["start_char"]), -number, -place)
        for number, name in enumerate(names)
        for place, row in enumerate(rows)
        if row["start_char"] < name.end and row["end_char"] > name.start
    ]
    used: set[tuple[str, int]] = set()
    for _, number, place in sorted(shared, reverse=True):
        if ("name", number) not in used and ("row", place) not in used:
            used |= {("name", number), ("row", place)}
            yield names[-number], rows[-place]


def _list_others(record: Record, names: Iterable[GoldName], rows: Iterable[Row]) -> Iterator[Mention]:
    """Yield the names that the pipeline found in a document beside the annotated ones: what it reads of the context."""
    own = [(name.start, name.end) for name in names if name.document == str(record["id"])]
    for row in rows:
        start, end = row["start_char"], row["end_char"]
        if not any(start < last and end > first for first, last in own):
            number = record["text"].count("\n", 0, start)
            yield Mention(number, start, end, row["mention_text"], row["entity_type"], "ours", row["title"])


def link_gold_names(
    names: Sequence[GoldName], votes: Mapping[str, Counter[str]], others: Mapping[str, Sequence[Mention]]
) -> dict[GoldName, str]:
    """Return our entity of every annotated name: grouped by document and linked over the corpus, as the pipeline does.

    Args:
        names: Annotated names.
        votes: How often the pipeline gives a folded name a type, for sets that do not tell people from organizations.
        others: The names beside them, by document.
    """
    rows, own = [], {}
    for document, named in _group_names(names):
        spans = {(name.start, name.end): name for name in named}
        given = [
            Mention(n.paragraph, n.start, n.end, n.text, n.entity_type or _guess_type(n, votes), "gold", n.title)
            for n in named
        ]
        for mention, entity, _ in group_mentions(sorted([*given, *others[document]], key=lambda m: m.start)):
            row = f"{document}\t{entity.entity_type}\t{entity.start}"
            if name := spans.get((mention.start, mention.end)):
                own[name] = row
            rows.append((row, document, entity.entity_type, entity.name, list(entity.names), list(entity.titles)))
    columns = [name for name in DOCUMENT_ENTITIES.column_names if name != "mention_count"]
    frame = pl.DataFrame(rows, schema={name: DOCUMENT_ENTITIES.schema[name] for name in _order(columns)}, orient="row")
    entities = frame.unique("document_entity_id").with_columns(mention_count=pl.lit(1, pl.UInt32))
    links = link_entities(entities).entity_links
    entity_ids = dict(links.select("document_entity_id", "entity_id").iter_rows())
    return {name: entity_ids[row] for name, row in own.items()}


def _order(columns: Sequence[str]) -> list[str]:
    order = ["document_entity_id", "article_id", "entity_type", "document_entity_name", "names", "titles"]
    assert sorted(order) == sorted(columns)
    return order


def _guess_type(name: GoldName, votes: Mapping[str, Counter[str]]) -> str:
    """Return `person` or `organization`: annotated as one of the two, a place (Lisbon lost) is a club or a government."""
    found = votes.get(fold_name(name.text), Counter[str]())
    if found:
        return "person" if 2 * found["person"] > found.total() else "organization"
    return "person" if name.title or is_given_name(name.text.split()[0]) else "organization"


def score_linking(records: Sequence[Record], mentions: pl.DataFrame) -> dict[str, float]:
    """Score how ids of Wikidata and our entities agree, over the annotated spans.

    Args:
        records: Documents with `id`, `text`, `evaluation_span` and `mentions` with `entity_id` of Wikidata.
        mentions: As in `score_coreference`, names only.

    Returns:
        `one_entity`: the share of ids with two names or more found that are one entity of ours; `one_id`: the share of
        such entities of ours that are one id; `b3.f1` over the names that both have, and `names.found`.
    """
    found = _group_rows(mentions)
    key, response, count = {}, {}, 0
    for record in records:
        names = list(_list_linked_names(record))
        count += len(names)
        for name, row in match_names(names, found[str(record["id"])]):
            key[name], response[name] = name.cluster, str(row["entity_id"])
    return {
        "one_entity": _share_unbroken(key, response),
        "one_id": _share_unbroken(response, key),
        "b3.f1": score_clusters(key, response)["b3.f1"],
        "names.found": len(key) / max(count, 1),
    }


def _list_linked_names(record: Record) -> Iterator[GoldName]:
    first, last = record["evaluation_span"]
    for mention in record["mentions"]:
        is_inside = first <= mention["start"] and mention["end"] <= last
        words = mention["text"].split()
        if is_inside and mention["entity_id"].startswith("Q") and mention["entity_id"][1:].isdigit():
            is_name = words and words[-1][:1].isupper() and words[-1].lower() not in _PRONOUNS
            if is_name and mention["start"] < mention["end"]:
                span = (mention["start"], mention["end"])
                yield GoldName(str(record["id"]), *span, mention["text"], None, None, 0, mention["entity_id"])


def _share_unbroken(clusters: Mapping[GoldName, str], other: Mapping[GoldName, str]) -> float:
    parts: dict[str, list[str]] = defaultdict(list)
    for name, cluster in clusters.items():
        parts[cluster].append(other[name])
    several = [own for own in parts.values() if len(own) > 1]
    return sum(len(set(own)) == 1 for own in several) / max(len(several), 1)
