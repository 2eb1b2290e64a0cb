"""The page of any listing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.generic import View

from core.fragments import is_htmx, page_or_fragment
from core.replica import from_replica, note_search, shows_changes_of
from listings import saved_searches
from listings.context import ListContext, list_address
from listings.exports import Exporter
from listings.kept_views import KeptViews, OpenedView
from listings.listing import Listing
from listings.registry import Entry

# The values that name a page of the list. A new search starts at the first page.
PLACE = ("after", "before", "n")

NOT_FROM_AN_ADDRESS = _("Searches for people are not read from an address. Enter the search on this page.")
VIEW_NOT_THERE = _("That view is not there any more, or it is not shared with you. The list is shown as usual.")
NOT_SAVED_ANY_MORE = _("That search is not kept here any more. Enter it again.")


class ListingView(View):
    """Answers with the page of a listing, its fragment (to htmx), or a file (?export=csv).

    The listing decides who may see it; besides, web/urls.py guards the view by a tool right.
    """

    # Arguments of as_view().
    entry: Entry | None = None
    exporter: Exporter | None = None
    kept_views: KeptViews | None = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        values = request.GET.dict()
        if number := values.get("view", "").strip():
            return self.get_view(number, export=values.get("export", ""))
        personal = self.personal
        warnings = [str(NOT_FROM_AN_ADDRESS)] if any(values.get(name, "").strip() for name in personal) else []
        search = values.get("find", "").strip()
        saved = saved_searches.load(request.session, search) if search else {}
        if saved is None or not saved.keys() <= personal:
            warnings.append(str(NOT_SAVED_ANY_MORE))
            search, saved = "", {}
        public = {name: text for name, text in values.items() if name not in personal}
        listing = self.open(public | saved)
        listing.warnings[:0] = warnings
        return self.respond(listing, search, export=values.get("export", ""))

    def get_view(self, number: str, *, export: str) -> HttpResponseBase:
        """Show the list as a kept view has it. Its personal values go to the session, as those of a search do."""
        assert self.entry
        opened = self.kept_views.open(self.request, self.entry, number) if self.kept_views else None
        listing = self.open(dict(opened.values) if opened else {})
        listing.warnings[:0] = opened.warnings if opened else [str(VIEW_NOT_THERE)]
        search = saved_searches.save(self.request.session, self.personal_of(listing))
        return self.respond(listing, search, export=export, opened=opened)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take the filter form. Personal values go to the session, all others to the address of the list."""
        note_search(request)
        listing = self.open({name: text for name, text in request.POST.dict().items() if name not in PLACE})
        personal = self.personal_of(listing)
        search = saved_searches.save(request.session, personal)
        in_path = personal.keys() | self.kwargs.keys()
        public = {name: text for name, text in listing.values.items() if name not in in_path}
        location = list_address(request.path, public | {"find": search}, default_sort=listing.default_sort)
        if not is_htmx(request):
            return HttpResponseRedirect(location)
        response = self.respond(listing, search)
        # The searches of one word that somebody types are one step back.
        response["HX-Replace-Url" if request.headers.get("X-Typing") == "on" else "HX-Push-Url"] = location
        return response

    @property
    def personal(self) -> set[str]:
        """The names of the filters whose values are about people: no address shows them."""
        assert self.entry
        return self.entry.listing_class.filterset_class.personal

    def personal_of(self, listing: Listing) -> dict[str, str]:
        # What the path names is no search that somebody made.
        searched = self.personal - self.kwargs.keys()
        return {name: text for name, text in listing.values.items() if name in searched}

    def open(self, values: dict[str, str]) -> Listing:
        assert self.entry
        user: Any = self.request.user
        return self.entry.open(user, values, self.kwargs)

    def fetch(self, listing: Listing) -> list[str]:
        if not listing.reads_replica:
            return listing.fetch()
        return from_replica(listing.fetch, shows=shows_changes_of(self.request))

    def respond(
        self, listing: Listing, search: str, *, export: str = "", opened: OpenedView | None = None
    ) -> HttpResponseBase:
        if self.exporter and export in dict(self.exporter.formats(listing)):
            listing.check_export()
            if not listing.errors:
                return self.exporter(self.request, listing, export)
        if self.kept_views and (hidden := self.kept_views.hidden_columns(listing)) is not None:
            listing.table.hidden = hidden
        notices = self.fetch(listing)
        read_only = bool(getattr(listing.user, "viewed_by", None))
        formats = self.exporter.formats(listing) if self.exporter and not read_only else ()
        shown = ListContext(
            self.request.path, listing, search=search, notices=notices, formats=formats, read_only=read_only
        )
        context = {"grid": shown, "listing": listing, "title": listing.title, "menu_path": listing.menu_path}
        if self.kept_views and not read_only:
            context["view_menu"] = self.kept_views.menu(listing, address=shown.link(), opened=opened)
        return page_or_fragment(
            self.request, page=listing.template_name, fragment="listings/fragment.html", context=context
        )
