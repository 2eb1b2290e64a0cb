"""The district: its name, its time zone, its country; docs/configuration.md lists the names."""

from pathlib import Path

from config.environment import Env

env = Env()

DISTRICT_NAME = env.str("DISTRICT_NAME", default="Harrison School District")
TIME_ZONE = env.str("TIME_ZONE", default="America/Chicago")
USE_TZ = True
# The region (ISO 3166 code) of phone numbers that have no country code.
PHONE_REGION = env.str("PHONE_REGION", default="US")
# The month and day on which the school year begins, for "this school year" beside the dates of lists.
SCHOOL_YEAR_BEGINS = env.day_of_year("SCHOOL_YEAR_BEGINS", default="07-01")
# The language of pages for people who chose none and whose browser asks for none of these, and of what no person reads
# first. GNU programs know LANGUAGE as another thing.
LANGUAGES = [("en", "English"), ("es", "Español")]
LANGUAGE_CODE = env.one_of("DISTRICT_LANGUAGE", *(code for code, _ in LANGUAGES))
USE_I18N = True
LOCALE_PATHS = [Path(__file__).resolve().parent.parent / "locale"]
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = "config.formats"
