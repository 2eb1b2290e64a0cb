"""Where the district's roster comes from (OneRoster), and what becomes of it; docs/configuration.md lists the names."""

from config.environment import Env

env = Env()

# The REST API: the address up to the version, such as https://sis.example.org/ims/oneroster/rostering/v1p2.
ROSTER_URL = env.str("ROSTER_URL", default="")
ROSTER_VERSION = env.one_of("ROSTER_VERSION", "1.2", "1.1")
ROSTER_AUTH = env.one_of("ROSTER_AUTH", "oauth2", "oauth1", "bearer")
ROSTER_TOKEN_URL = env.str("ROSTER_TOKEN_URL", default="")
ROSTER_CLIENT_ID = env.str("ROSTER_CLIENT_ID", default="")
ROSTER_CLIENT_SECRET = env.str("ROSTER_CLIENT_SECRET", default="")
ROSTER_SCOPES = env.str("ROSTER_SCOPES", default="")
ROSTER_TOKEN = env.str("ROSTER_TOKEN", default="")
ROSTER_SIGNATURE = env.one_of("ROSTER_SIGNATURE", "HMAC-SHA256", "HMAC-SHA1")
# OneRoster's own filter for users, such as: role!='guardian'.
ROSTER_USER_FILTER = env.str("ROSTER_USER_FILTER", default="")
ROSTER_PAGE = env.int("ROSTER_PAGE", default=1000)
# How long one answer may take, and the whole reading.
ROSTER_ANSWER_SECONDS = env.int("ROSTER_ANSWER_SECONDS", default=90)
ROSTER_MINUTES = env.int("ROSTER_MINUTES", default=40)

# A zip that the student information system leaves here each night.
ROSTER_FILE = env.str("ROSTER_FILE", default="")
ROSTER_MEGABYTES = env.int("ROSTER_MEGABYTES", default=512)
ROSTER_UNPACKED_MEGABYTES = env.int("ROSTER_UNPACKED_MEGABYTES", default=4096)

# What becomes of it: the user group for each role of staff, as "principal=Principals, aide=". Others get no account.
ROSTER_ROLE_GROUPS = env.names("ROSTER_ROLE_GROUPS")
# Which field of a student is the student number of messages.
ROSTER_STUDENT_NUMBER = env.one_of("ROSTER_STUDENT_NUMBER", "identifier", "sourcedId", "username")
# A run stops when a larger part of what is here would leave.
ROSTER_LEAVING_PERCENT = env.float("ROSTER_LEAVING_PERCENT", default=5)
ROSTER_RUN_DAYS = env.int("ROSTER_RUN_DAYS", default=90)
