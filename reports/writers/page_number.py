"""The number of a page, at its foot."""

from django.utils.translation import gettext as _


def page_of_pages(number: str, total: str) -> str:
    """Return which page it is. In every language the total comes last: a PDF knows it only when all is drawn."""
    return _("Page %(number)s of %(total)s") % {"number": number, "total": total}
