"""Draws bars: shades of gray that differ on any printer, in the order of the words below."""

from core.statuses import Tone
from reports.document import Bar, Bars
from reports.writers.pdf.pages import Pages

HEIGHT = 7.0
GRAYS = {Tone.GOOD: 0.35, Tone.RUNNING: 0.6, Tone.WARNING: 0.75, Tone.BAD: 0.0, Tone.NEUTRAL: 0.9}
_LEAST = 1.5
"""The least width of a part, in points: one in ten thousand stays visible."""


def draw_bars(pages: Pages, section: Bars) -> None:
    for bar in section.bars:
        pages.room(HEIGHT + 3 * pages.body.leading)
        pages.pairs([(bar.label, bar.legend)])
        _draw(pages, bar)


def _draw(pages: Pages, bar: Bar) -> None:
    """Draw the parts, with a line around each. The words say the same, so readers for the blind leave it out."""
    widths = [max(share * pages.width, _LEAST) for _, share in bar.shares]
    scale = pages.width / sum(widths) if widths else 1
    canvas, x, y = pages.canvas, pages.left, pages.y - HEIGHT - 3
    canvas.addLiteral("/Artifact BMC")
    canvas.saveState()
    canvas.setStrokeGray(1)
    canvas.setLineWidth(0.6)
    for (part, _), width in zip(bar.shares, widths, strict=True):
        canvas.setFillGray(GRAYS[part.status.tone])
        canvas.rect(x, y, width * scale, HEIGHT, stroke=1, fill=1)
        x += width * scale
    canvas.setStrokeGray(0.5)
    canvas.rect(pages.left, y, pages.width, HEIGHT, stroke=1, fill=0)
    canvas.restoreState()
    canvas.addLiteral("EMC")
    pages.y = y - 5
