"""A made-up district: its staff, families and messages."""
