"""Who is who: names, mentions, roles and pronouns in a document, and the same entity in several documents."""
