"""The page of any listing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.views.generic import View

from core.fragments import is_htmx, page_or_fragment
from core.replica import from_replica, note_search, shows_changes_of
from listings import saved_searches
from listings.context import ListContext, list_address
from listings.exports import Exporter
from listings.listing import Listing
from listings.registry import Entry

# The values that name a page of the list. A new search starts at the first page.
PLACE = ("after", "before", "n")

NOT_FROM_AN_ADDRESS = "Searches for people are not read from an address. Enter the search on this page."
NOT_SAVED_ANY_MORE = "That search is not kept here any more. Enter it again."


class ListingView(View):
    """Answers with the page of a listing, its fragment (to htmx), or a file (?export=csv).

    The listing decides who may see it; besides, web/urls.py guards the view by a tool right.
    """

    # Arguments of as_view().
    entry: Entry | None = None
    exporter: Exporter | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        values = request.GET.dict()
        personal = self.personal
        warnings = [NOT_FROM_AN_ADDRESS] if any(values.get(name, "").strip() for name in personal) else []
        search = values.get("find", "").strip()
        saved = saved_searches.load(request.session, search) if search else {}
        if saved is None or not saved.keys() <= personal:
            warnings.append(NOT_SAVED_ANY_MORE)
            search, saved = "", {}
        public = {name: text for name, text in values.items() if name not in personal}
        listing = self.open(public | saved)
        listing.warnings[:0] = warnings
        return self.respond(listing, search, export=values.get("export", ""))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the filter form. Personal values go to the session, all others to the address of the list."""
        note_search(request)
        listing = self.open({name: text for name, text in request.POST.dict().items() if name not in PLACE})
        personal = {name: text for name, text in listing.values.items() if name in self.personal}
        search = saved_searches.save(request.session, personal)
        public = {name: text for name, text in listing.values.items() if name not in personal}
        location = list_address(request.path, public | {"find": search}, default_sort=listing.default_sort)
        if not is_htmx(request):
            return HttpResponseRedirect(location)
        response = self.respond(listing, search)
        response["HX-Push-Url"] = location
        return response

    @property
    def personal(self) -> set[str]:
        """The names of the filters whose values are about people: no address shows them."""
        assert self.entry
        return self.entry.listing_class.filterset_class.personal

    def open(self, values: dict[str, str]) -> Listing:
        assert self.entry
        user: Any = self.request.user
        return self.entry.open(user, values, self.kwargs)

    def fetch(self, listing: Listing) -> list[str]:
        if not listing.reads_replica:
            return listing.fetch()
        return from_replica(listing.fetch, shows=shows_changes_of(self.request))

    def respond(self, listing: Listing, search: str, *, export: str = "") -> HttpResponseBase:
        if self.exporter and export in dict(self.exporter.formats):
            listing.check_export()
            if not listing.errors:
                return self.exporter(self.request, listing, export)
        notices = self.fetch(listing)
        read_only = bool(getattr(listing.user, "viewed_by", None))
        formats = self.exporter.formats if self.exporter and not read_only else ()
        shown = ListContext(
            self.request.path, listing, search=search, notices=notices, formats=formats, read_only=read_only
        )
        context = {"grid": shown, "listing": listing, "title": listing.title, "menu_path": listing.menu_path}
        return page_or_fragment(
            self.request, page=listing.template_name, fragment="listings/fragment.html", context=context
        )
