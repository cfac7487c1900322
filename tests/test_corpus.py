"""The news that the benchmarks make up, and the copies planted among texts."""

import random
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from bench.corpus import make_corpus, unpack_corpus, write_jsonl, write_texts
from bench.planting import cut_paragraphs, edit_words, plant_copies, read_synonyms, reword
from bench.sentences import expand
from tasks.reading.metadata import read_manifest

SIZE = 1_200
RECORDS = list(make_corpus(SIZE, seed=3))
BY_ID = {record["id"]: record for record in RECORDS}


def list_body(record: dict[str, str]) -> list[str]:
    """Return the paragraphs after title, byline and date, the first without its dateline."""
    _, _, _, first, *others = record["text"].strip().split("\n\n")
    return [first.partition(" — ")[2], *others]


def test_a_corpus_begins_with_every_smaller_one_of_its_seed_and_goes_on_where_one_ends() -> None:
    assert list(make_corpus(40, seed=3)) == RECORDS[:40]
    assert list(make_corpus(60, seed=3, first=40)) == RECORDS[40:60]
    assert next(make_corpus(40, seed=4))["text"] != RECORDS[0]["text"]


def test_a_corpus_is_made_one_article_at_a_time() -> None:
    assert [record["id"] for record in islice(make_corpus(10**9), 2)] == ["article-0000000", "article-0000001"]


def test_a_tenth_of_the_articles_are_copies_of_earlier_originals() -> None:
    copies = [record for record in RECORDS if record["copy_kind"]]
    assert 0.08 < len(copies) / SIZE < 0.125
    assert Counter(record["copy_kind"] for record in copies).keys() == {
        "exact",
        "near",
        "truncated",
        "stitched",
        "syndicated",
    }
    for record in copies:
        assert record["copy_of"] and max(record["copy_of"]) < record["id"]
        assert all(BY_ID[origin]["copy_kind"] is None for origin in record["copy_of"])
        assert all(BY_ID[origin]["published_on"] <= record["published_on"] for origin in record["copy_of"])


def test_a_copy_carries_the_words_of_its_origin() -> None:
    for record in RECORDS:
        origin_words = Counter(
            word for origin in record["copy_of"] for part in list_body(BY_ID[origin]) for word in part.split()
        )
        words = Counter(word for part in list_body(record) for word in part.split())
        if record["copy_kind"] in ("exact", "syndicated", "stitched"):
            assert words == origin_words
        elif record["copy_kind"]:
            assert (words - origin_words).total() <= 13


def test_no_more_than_a_twentieth_of_the_paragraphs_stand_in_two_originals() -> None:
    bodies = [part for record in RECORDS if not record["copy_kind"] for part in list_body(record)]
    counts = Counter(bodies)
    assert 0.0 < sum(count for count in counts.values() if count > 1) / len(bodies) <= 0.05


def test_shares_of_copies_and_repeated_paragraphs_can_be_none() -> None:
    records = list(make_corpus(300, copies=0.0, repeated=0.0))
    assert {record["copy_kind"] for record in records} == {None}
    counts = Counter(part for record in records for part in list_body(record))
    assert sum(count for count in counts.values() if count > 1) / counts.total() < 0.005


def test_the_words_of_every_quote_stand_in_quotation_marks_of_the_text() -> None:
    for record in RECORDS:
        if record["copy_kind"] is None:
            assert record["quotes"]
            assert all(f"“{quote['text']}" in record["text"] for quote in record["quotes"])


def test_reports_of_one_event_share_quotes_and_have_sentences_of_their_own() -> None:
    originals = [record for record in RECORDS if record["copy_kind"] is None]
    by_event: dict[int, list[dict[str, str]]] = {}
    for record in originals:
        by_event.setdefault(record["event"], []).append(record)
    sizes = [len(reports) for reports in by_event.values()]
    assert 3 < sum(sizes) / len(sizes) < 5
    assert any(
        {quote["text"] for quote in one["quotes"]} & {quote["text"] for quote in two["quotes"]}
        for one, two, *_ in (reports for reports in by_event.values() if len(reports) > 1)
    )


def test_texts_are_written_with_a_manifest_and_as_lines_of_json(tmp_path: Path) -> None:
    records = RECORDS[:3]
    assert write_texts(records, tmp_path / "texts") == 3
    assert write_jsonl(records, tmp_path / "corpus.jsonl.gz") == 3
    manifest = read_manifest(tmp_path / "texts" / "00000" / "manifest.csv", "manifest.csv")
    assert [entry.outlet for entry in manifest.entries.values()] == [record["outlet"] for record in records]
    assert (tmp_path / "texts/00000/article-0000001.txt").read_text() == records[1]["text"]
    assert unpack_corpus(tmp_path / "corpus.jsonl.gz", tmp_path / "unpacked") == 3
    assert (tmp_path / "unpacked/article-0000001.txt").read_text() == records[1]["text"]


def test_a_template_takes_one_alternative_of_each_and_fills_its_slots() -> None:
    chance = random.Random(1)
    made = {expand("The [mayor|judge [of {place}|here]] spoke.", chance, {"place": lambda: "Ely"}) for _ in range(50)}
    assert made == {"The mayor spoke.", "The judge of Ely spoke.", "The judge here spoke."}


@pytest.mark.parametrize("template", ["one [of|two", "one] of two"])
def test_a_template_with_an_odd_bracket_is_an_error(template: str) -> None:
    with pytest.raises(ValueError, match="bracket"):
        expand(template, random.Random(1), {})


TEXTS = [
    "\n\n".join(
        f"“We will count {number} boats,” said Ana Vieira, {place} of them old, because the minister of Zadar{number} began to ask for money."
        for place in range(7)
    )
    for number in range(30)
]


def test_planted_copies_come_with_what_they_were_made_from() -> None:
    planted = list(plant_copies(TEXTS, seed=1, each=3))
    assert [copy.kind for copy in planted[::3]] == ["exact", "near", "truncated", "stitched", "syndicated", "reworded"]
    assert planted == list(plant_copies(TEXTS, seed=1, each=3))
    for copy in planted:
        assert len(copy.origins) == (2 if copy.kind == "stitched" else 1)
        assert all(f"Zadar{origin} " in copy.text for origin in copy.origins)


def test_an_edited_text_has_as_many_changes_as_were_asked_for_at_most() -> None:
    paragraphs = TEXTS[0].split("\n\n")
    edited = edit_words(paragraphs, random.Random(1), 3)
    assert len(edited) == len(paragraphs)
    assert 1 <= sum(one != two for one, two in zip(paragraphs, edited, strict=True)) <= 3


def test_a_truncated_text_is_the_beginning_of_its_origin() -> None:
    paragraphs = TEXTS[0].split("\n\n")
    kept = cut_paragraphs(paragraphs, random.Random(1))
    assert 2 <= len(kept) <= 6
    assert kept == paragraphs[: len(kept)]


def test_a_reworded_text_keeps_quotations_numbers_and_names() -> None:
    text = "“Because we began,” said Ana Vieira in May. But the Company of 14 companies began “it because”."
    words = reword(text, random.Random(2))
    assert "“Because we began,”" in words and "“it because”" in words
    assert "Ana Vieira in May" in words and "the Company of 14" in words
    assert " said " not in words and " companies began " not in words and " But " not in words


def test_every_synonym_differs_from_its_word() -> None:
    assert all(others and word not in others for word, others in read_synonyms().items())
