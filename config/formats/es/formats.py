"""Spanish as in the United States: 11/20/2026, 8:31 AM and 12,304, as in English."""

from django.conf.locale.en.formats import *  # type: ignore[import-untyped]  # noqa: F403
