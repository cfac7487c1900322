"""Write the golden results anew; the diff is for a person to review."""

import tempfile
from pathlib import Path

from tests.golden import ARTICLES, KNOWN_MISSES, SEGMENTS, build_samples, find_misses, read_articles, read_segments

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        built = build_samples(Path(folder))
        for path, frame in (
            (ARTICLES, read_articles(built)),
            (SEGMENTS, read_segments(built)),
            (KNOWN_MISSES, find_misses(built)),
        ):
            frame.write_csv(path)
            print(f"{path.name}: {frame.height} rows")
