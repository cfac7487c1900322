"""A curve of measurements -> a picture for the docs: SVG, written by hand, because one line needs no library of charts."""

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 760, 300, 60, 40, 16


def draw_curve(curve: Sequence[tuple[float, float]], ceiling: float, *, points: int = 400) -> str:
    """Return an SVG of memory (MiB) over time (seconds), with a line at the ceiling; raises `ValueError` for no points.

    Of many points the largest of each stretch is drawn, so that no peak is lost.
    """
    if not curve:
        raise ValueError("there is nothing to draw")
    last = max(seconds for seconds, _ in curve) or 1.0
    most = 1.1 * max(ceiling, *(mib for _, mib in curve))
    peaks: dict[int, tuple[float, float]] = {}
    for seconds, mib in curve:
        part = min(int(points * seconds / last), points - 1)
        peaks[part] = max(peaks.get(part, (seconds, mib)), (seconds, mib), key=lambda point: point[1])
    line = " ".join(f"{_x(seconds, last):.1f},{_y(mib, most):.1f}" for seconds, mib in peaks.values())
    at = _y(ceiling, most)
    labels = [
        *[_label(_LEFT - 6, _y(gib * 1024, most) + 4, f"{gib} GiB", "end") for gib in range(int(most // 1024) + 1)],
        *[
            _label(_x(last * part / 4, last), _HEIGHT - _BOTTOM + 18, f"{last * part / 240:.0f} min", "middle")
            for part in range(5)
        ],
        _label(_WIDTH - 8, at - 6, f"ceiling: {ceiling * 2**20 / 1e6:,.0f} MB", "end"),
    ]
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">
<title>Memory of all processes of a build over time</title>
<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>
<path d="M{_LEFT} {_TOP}V{_HEIGHT - _BOTTOM}H{_WIDTH - 8}" fill="none" stroke="#888"/>
<path d="M{_LEFT} {at:.1f}H{_WIDTH - 8}" stroke="#c00" stroke-dasharray="6 4"/>
<polyline points="{line}" fill="none" stroke="#06c" stroke-width="1.5"/>
{"".join(labels)}
</svg>
"""


def _x(seconds: float, last: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - 8) * seconds / last


def _y(mib: float, most: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * mib / most


def _label(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#333">{escape(text)}</text>'
