"""Corrections meet links: who is parted, joined, renamed, and what is refused or stale."""

from datetime import date

import polars as pl
import pytest

from tasks.identity.correct import CorrectedEntities, correct_entities
from tasks.identity.links import link_entities
from tasks.identity.passages import Addressed, Article, NotFound, find_row, find_span
from tasks.reading.corrections import Correction, EntityReference, Passage
from tests.builders import build_table, rows
from tests.work import count_lines_run
from warehouse.tables import DOCUMENT_ENTITIES, ENTITY_LINKS

Names = tuple[str, ...]


class Corpus:
    """Articles a0, a1, … of which each is the list of its persons' names; person 0 of article 1 is `d1-0`."""

    def __init__(self, *articles: tuple[Names, ...]) -> None:
        self.articles = {}
        entities = []
        for number, persons in enumerate(articles):
            body, mentions = "", []
            for place, names in enumerate(persons):
                for name in names:
                    start = len(body)
                    body += name + " spoke. "
                    span = {"start_char": start, "end_char": start + len(name), "mention_text": name}
                    mentions.append({"document_entity_id": f"d{number}-{place}", "entity_type": "person", **span})
                entity = {"document_entity_id": f"d{number}-{place}", "article_id": f"a{number}", "names": list(names)}
                entities.append(
                    {**entity, "document_entity_name": names[0], "entity_type": "person", "mention_count": 1}
                )
            self.articles[f"a{number}"] = Article(f"a{number}", f"a{number}", f"sha{number}", body, [], mentions)
        self.document_entities = build_table(DOCUMENT_ENTITIES, *entities)

    def add_quote(self, article: str, words: str, *, statement_id: str, speaker: str | None = None) -> None:
        old = self.articles[article]
        span = {"start_char": len(old.body), "end_char": len(old.body) + len(words)}
        quote = {"quote_id": f"q-{words}", "statement_id": statement_id, "speaker_document_entity_id": speaker, **span}
        self.articles[article] = Article(
            old.article_id, old.document_id, old.raw_sha256, old.body + words + " ", [*old.quotes, quote], old.mentions
        )

    def correct(self, *corrections: Correction) -> CorrectedEntities:
        by_document = {key: [article] for key, article in self.articles.items()}
        by_hash = {article.raw_sha256: [article] for article in self.articles.values()}
        linked = link_entities(self.document_entities)
        return correct_entities(linked, self.document_entities, Addressed(by_document, by_hash), corrections)

    def groups(self, *corrections: Correction) -> list[list[str]]:
        links = self.correct(*corrections).linked.entity_links
        joined = links.group_by("entity_id").agg(pl.col("document_entity_id").sort())
        return sorted(joined["document_entity_id"].to_list())


def person(name: str, article: str, words: str | None = None, occurrence: int = 1) -> EntityReference:
    return EntityReference(name, "person", Passage(words or name, occurrence, article))


LINES = iter(range(1, 1_000_000))


def correct(
    action: str, *entities: EntityReference, passages: tuple[Passage, ...] = (), value: str | None = None
) -> Correction:
    line_no = next(LINES)
    said = date(2024, 5, 20)
    return Correction(f"c{line_no}", "desk.yml", line_no, action, "M. Editor", said, "so", entities, passages, value)


def outcomes(corrected: CorrectedEntities) -> list[tuple[object, ...]]:
    return rows(corrected.outcomes, "action", "outcome", "changed_count")


TWO = Corpus((("Teodor Halvik",),), (("Marta Lind",),), (("Teodor Halvik",),))
MERGE = correct("merge", person("Marta Lind", "a1"), person("Teodor Halvik", "a0"))


def test_a_merge_joins_whole_entities_under_the_first_ones_name_and_id() -> None:
    machine = TWO.correct()
    corrected = TWO.correct(MERGE)
    assert TWO.groups(MERGE) == [["d0-0", "d1-0", "d2-0"]]
    marta = machine.linked.dim_entities.filter(pl.col("entity_name") == "Marta Lind")["entity_id"].item()
    assert rows(corrected.linked.dim_entities, "entity_id", "entity_name", "aliases", "article_count") == [
        (marta, "Marta Lind", ["Teodor Halvik", "Marta Lind"], 3)
    ]
    assert outcomes(corrected) == [("merge", "applied", 2)]
    assert rows(corrected.linked.entity_links, "document_entity_id", "rule") == [
        ("d0-0", "correction"), ("d1-0", "full_name"), ("d2-0", "correction"),
    ]  # fmt: skip


def test_the_machines_links_stay_beside_the_corrected_ones() -> None:
    machine, corrected = TWO.correct(), TWO.correct(MERGE)
    restored = (
        corrected.linked.entity_links.join(corrected.link_corrections.drop("entity_id"), on="document_entity_id", how="left")
        .select("document_entity_id", *(
            pl.coalesce(f"machine_{name}", name).alias(name) for name in ENTITY_LINKS.column_names[1:]
        ))
    )  # fmt: skip
    assert restored.equals(machine.linked.entity_links)
    assert machine.link_corrections.is_empty() and machine.outcomes.is_empty()


def test_a_merge_of_what_is_one_already_changes_nothing() -> None:
    merge = correct("merge", person("Teodor Halvik", "a0"), person("Teodor Halvik", "a2"))
    corrected = TWO.correct(merge)
    assert outcomes(corrected) == [("merge", "held", 0)]
    assert corrected.linked.entity_links.equals(TWO.correct().linked.entity_links)


def test_merges_that_share_an_entity_make_one_of_all() -> None:
    three = Corpus((("Ann Lee",),), (("Bo Lind",),), (("Cy Marr",),))
    assert three.groups(
        correct("merge", person("Bo Lind", "a1"), person("Cy Marr", "a2")),
        correct("merge", person("Ann Lee", "a0"), person("Bo Lind", "a1")),
    ) == [["d0-0", "d1-0", "d2-0"]]  # fmt: skip


SPLIT = correct(
    "split", person("Teodor Halvik", "a0"), passages=(Passage("Teodor Halvik", 1, "a2"),), value="T. the younger"
)


def test_a_split_parts_the_mentions_that_it_lists_under_a_name_of_their_own() -> None:
    corrected = TWO.correct(SPLIT)
    assert TWO.groups(SPLIT) == [["d0-0"], ["d1-0"], ["d2-0"]]
    assert sorted(corrected.linked.dim_entities["entity_name"]) == ["Marta Lind", "T. the younger", "Teodor Halvik"]
    assert rows(corrected.entity_corrections, "rename_correction_id", "machine_entity_name") == [
        (SPLIT.correction_id, "Teodor Halvik")
    ]


def test_what_is_parted_can_be_joined_to_another() -> None:
    merge = correct("merge", person("Marta Lind", "a1"), person("Teodor Halvik", "a2"))
    assert TWO.groups(SPLIT, merge) == TWO.groups(merge, SPLIT) == [["d0-0"], ["d1-0", "d2-0"]]


def test_mentions_of_one_entity_of_one_article_are_not_parted() -> None:
    one = Corpus((("Ann Lee", "Lee"),))
    corrected = one.correct(correct("split", person("Ann Lee", "a0"), passages=(Passage("Lee", 2, "a0"),)))
    assert outcomes(corrected) == [("split", "refused", 0)]
    assert "linked as a whole" in corrected.outcomes["detail"].item()


def test_two_that_are_not_the_same_part_with_those_whose_names_are_like_theirs() -> None:
    joined = Corpus((("Aleksandr Halvikov", "Sasha"),), (("Alexander Halvikov",),), (("Alexander Halvikov",),))
    assert joined.groups() == [["d0-0", "d1-0", "d2-0"]]
    apart = correct("not_same", person("Aleksandr Halvikov", "a0"), person("Alexander Halvikov", "a1"))
    assert joined.groups(apart) == [["d0-0"], ["d1-0", "d2-0"]]
    assert outcomes(joined.correct(apart)) == [("not_same", "applied", 2)]
    assert outcomes(TWO.correct(correct("not_same", person("Marta Lind", "a1"), person("Teodor Halvik", "a0")))) == [
        ("not_same", "held", 0)
    ]


def test_one_and_not_one_is_refused_also_by_way_of_others_and_both_are_named() -> None:
    three = Corpus((("Ann Lee",),), (("Bo Lind",),), (("Cy Marr",),), (("Di Olsen",),))
    ann, bo, cy, di = (
        person("Ann Lee", "a0"),
        person("Bo Lind", "a1"),
        person("Cy Marr", "a2"),
        person("Di Olsen", "a3"),
    )
    one, two, apart, good = (
        correct("merge", ann, bo),
        correct("merge", bo, cy),
        correct("not_same", ann, cy),
        correct("merge", cy, di),
    )
    corrected = three.correct(one, two, apart, good)
    assert [outcome for _, outcome, _ in outcomes(corrected)] == ["refused", "refused", "refused", "applied"]
    details = dict(rows(corrected.outcomes, "line_no", "detail"))
    assert one.origin in details[apart.line_no] and two.origin in details[apart.line_no]
    assert apart.origin in details[one.line_no]
    assert three.groups(one, two, apart, good) == [["d0-0"], ["d1-0"], ["d2-0", "d3-0"]]


def test_two_names_or_types_for_one_entity_are_refused_and_one_that_is_agreed_on_is_given() -> None:
    ann, again = person("Teodor Halvik", "a0"), person("Teodor Halvik", "a2")
    names = [correct("rename", ann, value="T. Halvik"), correct("rename", again, value="Teo Halvik")]
    types = [correct("retype", ann, value="group"), correct("retype", again, value="group")]
    corrected = TWO.correct(*names, *types)
    assert [outcome for _, outcome, _ in outcomes(corrected)] == ["refused", "refused", "held", "applied"]
    entity = corrected.linked.dim_entities.filter(pl.col("entity_name") == "Teodor Halvik")
    assert entity["entity_type"].item() == "group"
    assert corrected.entity_corrections["machine_entity_type"].item() == "person"


@pytest.mark.parametrize(
    ("entity", "detail"),
    [
        (person("Ann Lee", "a9"), "has no such document"),
        (person("Ann Lee", "a0"), "the words do not stand there"),
        (person("Teodor Halvik", "a0", occurrence=3), "the words stand there 1 times"),
        (person("Ann Lee", "a0", "Teodor Halvik"), "is a mention of Teodor Halvik, not of Ann Lee"),
        (person("Ann Lee", "a0", "spoke"), "no mention stands at these words"),
        (
            EntityReference("Marta Lind", "place", Passage("Marta Lind", 1, "a1")),
            "is a mention of a person, not of a place",
        ),
    ],
)
def test_a_correction_that_matches_nothing_any_more_is_stale_and_says_why(entity: EntityReference, detail: str) -> None:
    corrected = TWO.correct(correct("rename", entity, value="X"), MERGE)
    assert sorted(outcomes(corrected)) == [("merge", "applied", 2), ("rename", "stale", 0)]
    assert detail in corrected.outcomes["detail"].drop_nulls().item()


def test_a_renamed_entity_is_known_to_other_corrections_by_both_names() -> None:
    rename = correct("rename", person("Teodor Halvik", "a0"), value="Ted Halvik")
    merge = correct("merge", person("Ted Halvik", "a0", "Teodor Halvik"), person("Marta Lind", "a1"))
    corrected = TWO.correct(rename, merge)
    assert [outcome for _, outcome, _ in outcomes(corrected)] == ["applied", "applied"]
    assert corrected.linked.dim_entities["entity_name"].to_list() == ["Ted Halvik"]


def test_a_speaker_is_set_cleared_and_kept_and_a_statement_follows_all_its_quotes() -> None:
    corpus = Corpus((("Ann Lee",), ("Bo Lind",)))
    for words, statement in (("We sail.", "s1"), ("At noon.", "s1"), ("We wait.", "s2"), ("Yes.", "s3")):
        corpus.add_quote("a0", words, statement_id=statement, speaker="d0-0")
    bo = person("Bo Lind", "a0")
    corrected = corpus.correct(
        correct("set_speaker", bo, passages=(Passage("We sail.", 1, None, "sha0"),)),
        correct("clear_speaker", passages=(Passage("We wait.", 1, "a0"),)),
        correct("set_speaker", person("Ann Lee", "a0"), passages=(Passage("Yes.", 1, "a0"),)),
    )
    assert [outcome for _, outcome, _ in outcomes(corrected)] == ["applied", "applied", "held"]
    ids = dict(corrected.linked.entity_links.select("document_entity_id", "entity_id").iter_rows())
    shown = ("quote_id", "speaker_entity_id", "speaker_kind", "machine_speaker_entity_id", "is_whole_statement")
    assert rows(corrected.speaker_corrections, *shown) == [
        ("q-We sail.", ids["d0-1"], "person", ids["d0-0"], False),
        ("q-We wait.", None, None, ids["d0-0"], True),
    ]


def test_two_speakers_for_one_quote_are_refused() -> None:
    corpus = Corpus((("Ann Lee",),))
    corpus.add_quote("a0", "We sail.", statement_id="s1")
    passage = (Passage("We sail.", 1, "a0"),)
    corrected = corpus.correct(
        correct("set_speaker", person("Ann Lee", "a0"), passages=passage), correct("clear_speaker", passages=passage)
    )
    assert [outcome for _, outcome, _ in outcomes(corrected)] == ["refused", "refused"]
    assert corrected.speaker_corrections.is_empty()


def test_words_are_found_whole_whatever_their_marks_and_the_space_between() -> None:
    body = "Leeds, Lee’s\u00a0son and “Lee” — Lee’s  son"
    assert find_span(body, "Lee", 2) == (22, 25)
    assert find_span(body, "Lee's son", 2) == (29, 39)
    assert find_span(body, '"Lee" -', 1) == (21, 28)
    with pytest.raises(NotFound, match="stand there 2 times"):
        find_span(body, "Lee's son", 3)


def test_a_quote_is_found_at_its_words_around_them_or_by_most_of_them() -> None:
    article = Article("a", "a", "s", "We are close to a deal, they say today.", [], [])
    spans = [{"start_char": 0, "end_char": 23}, {"start_char": 7, "end_char": 12}, {"start_char": 24, "end_char": 38}]

    def find(words: str) -> dict[str, int]:
        return find_row(article, spans, Passage(words, 1, "a"), "quote")

    assert find("close") == spans[1]
    assert find("to a deal") == spans[0]
    assert find("We are close to a deal, they") == spans[0]
    with pytest.raises(NotFound, match="no quote stands"):
        find_row(article, spans[2:], Passage("a deal, they", 1, "a"), "quote")


def test_the_order_of_files_decides_nothing_but_which_id_stays() -> None:
    corrections = [SPLIT, correct("merge", person("Marta Lind", "a1"), person("Teodor Halvik", "a2"))]
    assert TWO.correct(*corrections).linked.entity_links.equals(TWO.correct(*reversed(corrections)).linked.entity_links)


def test_work_on_a_name_of_many_articles_grows_with_the_articles_and_not_with_their_pairs() -> None:
    def correct_many(count: int) -> int:
        many = build_table(
            DOCUMENT_ENTITIES,
            *(
                {"document_entity_id": f"d{n}-0", "article_id": f"a{n}", "entity_type": "person", "mention_count": 1,
                 "document_entity_name": name, "names": [name, "Ж" * (10_000 if n == 1 else 1)]}
                for n in range(count) for name in ["Marta Lind" if n else "Ann Lee"]
            ),
        )  # fmt: skip
        corpus = Corpus((("Ann Lee",),), (("Marta Lind",),))
        corpus.document_entities = many
        merge = correct("merge", person("Ann Lee", "a0"), person("Marta Lind", "a1"))
        done: list[CorrectedEntities] = []
        lines = count_lines_run(lambda: done.append(corpus.correct(merge)))
        assert outcomes(done[0]) == [("merge", "applied", count - 1)]
        assert done[0].linked.dim_entities["mention_count"].to_list() == [count]
        return lines

    correct_many(10)  # reads the lexicons
    assert correct_many(4000) < 2.1 * correct_many(2000)
