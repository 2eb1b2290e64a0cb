"""A made-up district: its staff, families and messages."""

from config.demo.district import Size, make_district
from config.demo.people import mail_people
from config.demo.staff import PASSWORD, STAFF, make_staff, sign_ins

__all__ = ["PASSWORD", "STAFF", "Size", "mail_people", "make_district", "make_staff", "sign_ins"]
