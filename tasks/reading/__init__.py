"""Where documents come from: sources, the metadata beside them, one module a format in `readers/`, and the store of raw bytes."""
