"""Document entities -> entities of the corpus: keys of names, clusters of names, short names in their context."""
