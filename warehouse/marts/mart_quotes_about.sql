-- grain: one person, organization, place or other entity that one quote is about
-- about: Name of the entity that is spoken about; null when it could not be resolved.
-- about_entity_id: The entity that is spoken about.
-- about_type: What it is.
-- about_role: inside the words, or around them in the clause that attributes them.
-- about_mentions: How it is mentioned there, as printed and in order, pronouns too.
-- speaker: Name of the entity that speaks; null when nobody is named, or the name could not be resolved.
-- said_place: Name of the entity of the place where it was said.
with quotes as (
    select * from mart_quotes
),

occasions as (
    select * from fact_quotes
),

mentions as (
    select
        quote_mentions.quote_id,
        quote_mentions.role,
        fact_entity_mentions.document_entity_id,
        fact_entity_mentions.entity_id,
        fact_entity_mentions.mention_text,
        fact_entity_mentions.start_char
    from quote_mentions
    inner join fact_entity_mentions on quote_mentions.mention_id = fact_entity_mentions.mention_id
),

entities as (
    select * from dim_entities
),

spoken_about as (
    select
        quote_id,
        document_entity_id,
        any_value(entity_id) as about_entity_id,
        case when bool_or(role = 'inside') then 'inside' else 'around' end as about_role,
        list(mention_text order by start_char) as about_mentions
    from mentions
    group by quote_id, document_entity_id
),

final as (
    select
        spoken_about.quote_id,
        quotes.article_id,
        about.entity_name as about,
        spoken_about.about_entity_id,
        about.entity_type as about_type,
        spoken_about.about_role,
        spoken_about.about_mentions,
        quotes.speaker,
        quotes.speaker_entity_id,
        quotes.speaker_text,
        quotes.speaker_kind,
        quotes.quote_type,
        quotes.quote_text,
        quotes.cue,
        quotes.via_text,
        occasions.said_on,
        occasions.said_until,
        occasions.said_on_text,
        places.entity_name as said_place,
        occasions.said_place_text,
        occasions.said_to_text,
        quotes.confidence,
        quotes.published_on,
        quotes.outlet,
        quotes.title,
        quotes.url,
        quotes.source_uri
    from spoken_about
    inner join quotes on spoken_about.quote_id = quotes.quote_id
    inner join occasions on spoken_about.quote_id = occasions.quote_id
    left join entities as about on spoken_about.about_entity_id = about.entity_id
    left join entities as places on occasions.said_place_entity_id = places.entity_id
)

select * from final
