"""Tokens, syntax and named entities of distinct paragraphs, kept in a cache outside of the releases."""
