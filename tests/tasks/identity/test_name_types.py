"""What stands around a name tells what it is of."""

import pytest

from tasks.identity.name_types import has_title_before


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Then Mr. Berg spoke.", "Berg", True),
        ("Then Mr.  Berg spoke.", "Berg", True),
        ("President Berg spoke.", "Berg", True),
        ("Then old Berg spoke.", "Berg", False),
        ("Berg spoke.", "Berg", False),
        ("(Berg) spoke.", "Berg", False),
    ],
)
def test_a_title_stands_right_before_a_name(text: str, name: str, expected: bool) -> None:
    assert has_title_before(text, text.index(name)) is expected
