"""How dates and numbers are written in each language, where it differs from Django's way."""
