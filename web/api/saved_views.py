"""Saved views: the filters and the order of a list, under a name."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from core.text import is_storable
from listings.dates import Days
from listings.filters import MAX_TEXT
from listings.listing import Listing
from listings.registry import UnknownListing, registry
from saved_views.models import SavedView
from saved_views.opening import KEPT, values_of, warnings_of
from saved_views.services.views import TooManyViews, delete_view, list_title, record_opening, save_view
from web.views.saved_views import WHY

TAG = "Saved views"


def storable(text: str) -> None:
    if not is_storable(text):
        raise serializers.ValidationError("One of its characters cannot be stored.")


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    """A view that the account keeps, or that somebody shares with a group of it."""

    list = serializers.CharField(source="listing", help_text="The name of the list.")
    title = serializers.SerializerMethodField(help_text="The list as the menu names it.")
    owner = serializers.CharField(source="owner.username")
    group = serializers.CharField(source="group.name", default="", help_text="Who shares it; empty for nobody.")
    days = serializers.ChoiceField([("", "as saved"), *Days.choices], help_text="Days that move on with the calendar.")

    class Meta:
        model = SavedView
        fields = ["id", "name", "list", "title", "owner", "group", "days", "created_at", "changed_at"]

    def get_title(self, view: SavedView) -> str:
        return list_title(view.listing)


class OpenedViewSerializer(SavedViewSerializer):
    """A view with its values as they are today. They may name people, so send them on by POST."""

    values = serializers.SerializerMethodField(help_text="Filters, sort and rows, as the pages name them.")
    warnings = serializers.SerializerMethodField(help_text="What of the view the list does not know any more.")

    class Meta(SavedViewSerializer.Meta):
        fields = [*SavedViewSerializer.Meta.fields, "values", "warnings"]

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_values(self, view: SavedView) -> dict[str, str]:
        return values_of(view, today=timezone.localdate())

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_warnings(self, view: SavedView) -> Any:
        return warnings_of(view)


class NewViewSerializer(serializers.Serializer[Any]):
    """What a view keeps. One of the same name and list is replaced."""

    name = serializers.CharField(max_length=100, validators=[storable])
    list = serializers.CharField(max_length=80, help_text="Such as sent_message_log; not one of a message.")
    days = serializers.ChoiceField(Days.choices, required=False, help_text="Without it, the days among the values.")
    values = serializers.DictField(
        child=serializers.CharField(max_length=MAX_TEXT, allow_blank=True, validators=[storable]),
        required=False,
        default=dict,
        help_text="Filters, sort and rows, as the pages name them.",
    )


class SavedViewsView(APIView):
    @property
    def user(self) -> User:
        return cast(User, self.request.user)

    @property
    def views(self) -> QuerySet[SavedView]:
        return SavedView.objects.offered_to(self.user)


class SavedViews(SavedViewsView):
    @extend_schema(tags=[TAG], summary="The saved views", responses=SavedViewSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The account's own views, and those shared with its groups, of lists that it may open."""
        return Response(SavedViewSerializer(self.views, many=True).data)

    @extend_schema(
        tags=[TAG],
        summary="Save a view",
        request=NewViewSerializer,
        responses={200: OpenedViewSerializer, 201: OpenedViewSerializer},
    )
    def post(self, request: Request) -> Response:
        """201 for a new view; 200 if it replaces the account's view of the same name and list."""
        given = NewViewSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        new = given.validated_data
        listing = self.open_list(new["list"], new["values"])
        days = Days(new["days"]) if "days" in new else None
        try:
            view, is_new = save_view(by=self.user, listing=listing, name=new["name"], days=days)
        except TooManyViews:
            raise PermissionDenied(WHY[TooManyViews]) from None
        return Response(OpenedViewSerializer(view).data, status=201 if is_new else 200)

    def open_list(self, name: str, values: dict[str, str]) -> Listing:
        """Raises ValidationError if there is no such list or filter, or a value is not valid."""
        try:
            entry = registry[name]
        except UnknownListing:
            entry = None
        if entry is None or not entry.stands_alone:
            raise ValidationError({"list": ["There is no such list here."]})
        known = {*entry.listing_class.filterset_class.parameters(), *KEPT}
        if unknown := values.keys() - known:
            raise ValidationError({"values": [f"There are only {', '.join(sorted(known))}." for _ in unknown]})
        listing = entry.open(self.user, values)
        if listing.errors:
            raise ValidationError({"values": listing.errors})
        return listing


class OneSavedView(SavedViewsView):
    @extend_schema(tags=[TAG], summary="Open a view", responses=OpenedViewSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Its values, with the days as they are today."""
        view = get_object_or_404(self.views, pk=pk)
        record_opening(by=self.user, view=view)
        return Response(OpenedViewSerializer(view).data)

    @extend_schema(tags=[TAG], summary="Delete a view", request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Its scheduled reports go with it. Only its owner deletes a view."""
        view = get_object_or_404(SavedView.objects.of(self.user), pk=pk)
        if not delete_view(by=self.user, view=view):
            raise Http404
        return Response(status=204)
