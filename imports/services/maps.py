"""Column maps that a district keeps: they are saved by name, and deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import record_audit_event
from imports.maps import FIELDS, READY, ColumnMap
from imports.models import KeptMap
from imports.spellings import spellings
from imports.times import DateOrder
from messenger_logs.services.json_fields import squeezed


class BadMap(Exception):
    """The map cannot be kept. The message says why, as a sentence."""


def save_map(
    *, name: str, columns: Mapping[str, str], values: Mapping[str, str], date_order: DateOrder, by: User
) -> KeptMap:
    """Keep a map under its name, in the place of one that has the name. `columns` has the field of each heading.

    Raises BadMap.
    """
    name = " ".join(name.split())
    if not name or name.casefold() in READY:
        raise BadMap(_("Give the map a name that no ready map has."))
    twice = [str(FIELDS[field].label) for field, number in Counter(columns.values()).items() if number > 1]
    if twice:
        raise BadMap(_("Two columns are the same field: %(fields)s.") % {"fields": ", ".join(twice)})
    if not {"name", "last_name", "device"} & set(columns.values()):
        raise BadMap(_("One column has to be the recipient's name, or the device."))
    by_field = {field: heading for heading, field in columns.items()}
    try:
        return _store(name, by_field, values, date_order, by)
    except IntegrityError:
        # Somebody kept a first map of this name at the same moment. The later one replaces it.
        return _store(name, by_field, values, date_order, by)


def _store(
    name: str, by_field: Mapping[str, str], values: Mapping[str, str], date_order: DateOrder, by: User
) -> KeptMap:
    with transaction.atomic():
        kept = KeptMap.objects.select_for_update().filter(name__iexact=name).first() or KeptMap(name=name)
        kept.columns, kept.values, kept.date_order = dict(by_field), dict(values), date_order
        kept.save()
        record_audit_event(by=by, action="import_map.saved", target=name, details={"fields": sorted(by_field)})
    return kept


def delete_map(*, map_id: int, by: User) -> bool:
    """Delete a kept map. Returns False if somebody was quicker."""
    with transaction.atomic():
        name = KeptMap.objects.filter(pk=map_id).values_list("name", flat=True).first()
        deleted = bool(KeptMap.objects.filter(pk=map_id).delete()[0])
        if deleted:
            record_audit_event(by=by, action="import_map.deleted", target=name or "")
    return deleted


def all_maps() -> list[ColumnMap]:
    """Return the ready maps, and then the kept ones by name."""
    return [*READY.values(), *(kept.map for kept in KeptMap.objects.all())]


def guess_field(heading: str) -> str:
    """Return the field that a heading probably means; "" if none."""
    wanted = squeezed(heading)
    for field in FIELDS.values():
        if wanted in map(squeezed, (*spellings(field.label), field.name)):
            return field.name
    known = (
        (squeezed(one), field)
        for ready in READY.values()
        for field, headings in ready.columns.items()
        for heading in headings
        for one in spellings(heading)
    )
    return next((field for one, field in known if one == wanted and field in FIELDS), _USUAL.get(wanted, ""))


_USUAL = {
    "email": "device",
    "emailaddress": "device",
    "phone": "device",
    "phonenumber": "device",
    "address": "device",
    "contact": "name",
    "guardian": "name",
    "parent": "name",
    "recipientname": "name",
    "firstname": "first_name",
    "lastname": "last_name",
    "studentid": "student_number",
    "studentname": "student_name",
    "personid": "person_id",
    "contactid": "person_id",
    "messageid": "external_id",
    "campaignid": "external_id",
    "broadcastid": "external_id",
    "title": "subject",
    "type": "message_type",
    "sentby": "sender_name",
    "createdby": "sender_name",
    "result": "status",
    "deliverystatus": "status",
    "date": "time",
    "datetime": "time",
    "timestamp": "time",
    "building": "school",
    "preferredlanguage": "language",
    "homelanguage": "language",
    "schoolofstudent": "student_school",
    "method": "mode",
    "channel": "mode",
}
