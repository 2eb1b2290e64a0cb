"""A made-up district: its staff, families and messages."""

from demo.district import Size, make_district
from demo.outgoing import keep_outgoing_back, plan_outgoing
from demo.people import mail_people
from demo.staff import PASSWORD, STAFF, make_staff, sign_ins

__all__ = [
    "PASSWORD",
    "STAFF",
    "Size",
    "keep_outgoing_back",
    "mail_people",
    "make_district",
    "make_staff",
    "plan_outgoing",
    "sign_ins",
]
