"""Everything a district configures comes from the environment; docs/configuration.md lists the names.

Each name may also be given as NAME_FILE, the path of a file that holds the value (for secrets).
"""

from datetime import timedelta
from pathlib import Path

from bootstrap_wrapper import get_bootstrap_dir
from csp.constants import NONE, SELF
from django.contrib.messages.constants import ERROR

from config.alert_settings import *  # noqa: F403
from config.celery_settings import *  # noqa: F403
from config.celery_settings import REDIS_URL
from config.database import with_time_limits
from config.dispatch_settings import *  # noqa: F403
from config.district_settings import *  # noqa: F403
from config.environment import Env
from config.health_settings import *  # noqa: F403
from config.hosts_settings import *  # noqa: F403
from config.hosts_settings import DATABASE_ROUTERS
from config.logs import LOGGING as LOGGING
from config.mail_settings import *  # noqa: F403
from config.mailgun_settings import *  # noqa: F403
from config.records_settings import *  # noqa: F403
from config.roster_settings import *  # noqa: F403
from config.sign_in_settings import *  # noqa: F403
from config.sign_in_settings import CODE_RATE_LIMITS
from config.sso_settings import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
# Keys from before: what was signed with them stays valid, and an erased address is still known.
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", default="localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "demo",
    "web",
    "retention",
    "alerts",
    "imports",
    "records",
    "saved_views",
    "digests",
    "health",
    "reports",
    "roster",
    "dispatch",
    "mailgun_sync",
    "messenger_logs",
    "accounts",
    "listings",
    "core",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.idp.oidc",
    "knox",
    "drf_spectacular",
    "django_htmx",
    "django_filters",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    # First, so that they see the answers of all others, static files included.
    "accounts.middleware.PrivateResponseMiddleware",
    "accounts.middleware.BrowserPolicyMiddleware",
    "web.probes.answer_probes",
    "core.request_ids.RequestIdMiddleware",
    "web.request_times.measure",
    "web.middleware.keep_method",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.languages.speak_language_of_browser",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.languages.speak_language_of_person",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.sign_in_middleware.limit_sessions",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.sso.middleware.ProviderSessionMiddleware",
    "accounts.middleware.RefusalMiddleware",
    "accounts.sign_in_middleware.SecondFactorMiddleware",
    "web.middleware.explain_not_allowed",
    "web.middleware.remember_change",
    # Last, so that all others see who is really signed in.
    "web.view_as.ViewAsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context_processors.district",
                "web.context_processors.languages",
                "web.context_processors.menu",
                "web.context_processors.view_as",
            ],
        },
    },
]
FORM_RENDERER = "core.forms.FormRenderer"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MESSAGE_TAGS = {ERROR: "danger"}  # as Bootstrap calls it

# Stores. No process waits for PostgreSQL without an end. A page gives up sooner: config/wsgi.py has its numbers.
STATEMENT_SECONDS = env.float("STATEMENT_SECONDS", default=600)
LOCK_SECONDS = env.float("LOCK_SECONDS", default=60)
IDLE_TRANSACTION_SECONDS = env.float("IDLE_TRANSACTION_SECONDS", default=600)
DATABASES = {
    "default": with_time_limits(
        env.db("DATABASE_URL"), statement=STATEMENT_SECONDS, lock=LOCK_SECONDS, idle=IDLE_TRANSACTION_SECONDS
    )
}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
if DATABASE_ROUTERS:
    # It has two seconds to be reached: the primary answers what it does not.
    replica = env.db("DATABASE_URL_READ")
    replica["OPTIONS"] = {"connect_timeout": 2, **replica.get("OPTIONS", {})}
    DATABASES["replica"] = with_time_limits(
        replica, statement=STATEMENT_SECONDS, lock=LOCK_SECONDS, idle=IDLE_TRANSACTION_SECONDS
    ) | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "TEST": {"MIRROR": "default"}}
# The owner of the tables: `manage.py migrate` connects as this role, without these limits.
MIGRATION_DATABASE = env.db("MIGRATION_DATABASE_URL", default=env.str("DATABASE_URL"))
# The site works without Valkey: sessions are in PostgreSQL, limits count in memory, and schedules find what was queued.
CACHES = {
    "default": {
        "BACKEND": "core.cache.ValkeyOrMemory",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 0.3, "socket_timeout": 0.3},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# Static files: our own and those of Python packages; no page loads a file from another host.
STATIC_URL = "static/"
STATIC_ROOT = env.path("STATIC_ROOT", default=BASE_DIR / "var" / "static")
STATICFILES_DIRS = [BASE_DIR / "static", ("bootstrap", get_bootstrap_dir())]

# Sign-in: local accounts, made by an administrator
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.UsernameOrEmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "accounts.validators.NotMadeOfNamesValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "web:home"
LOGOUT_REDIRECT_URL = "account_login"
PASSWORD_RESET_TIMEOUT = int(timedelta(hours=2).total_seconds())
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
# Django's own: allauth's keeps a copy of e-mail addresses, which would go on to work after an address was changed.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
ACCOUNT_SESSION_REMEMBER = False
# Failed sign-ins; see accounts.adapter.limits. A whole school may share one IP address, so the limit on an address
# alone is wide. allauth's own limit on all sign-ins from an address would keep known devices out, too.
ACCOUNT_RATE_LIMITS = {
    "login": None,
    "login_failed": "30/m/ip,5/15m/key",
    "login_failed_anywhere": "100/h/key",
    "login_failed_on_known_device": "5/15m/key",
    "api_token": "120/m/ip",
} | CODE_RATE_LIMITS
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# Mail, for password resets and invitations. Without EMAIL_URL nothing is sent, and their pages say so.
globals().update({"EMAIL_TIMEOUT": 30} | env.email("EMAIL_URL", default="dummymail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="messenger-logs@localhost")

# Privacy and transport
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
# Of a browser in which somebody chose a language before signing in. An account keeps its own.
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_AGE = int(timedelta(days=365).total_seconds())
X_FRAME_OPTIONS = "DENY"
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}

# The REST API: signed in by a token that lasts a working day, like a session
API_TOKEN_HOURS = env.int("API_TOKEN_HOURS", default=10)
API_RATE = env.str("API_RATE", default="600/min")
API_MAX_BYTES = env.int("API_MAX_BYTES", default=16 * 1024 * 1024)
API_MAX_LINES = 10_000
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.tokens.TokenAuthentication",
        "accounts.service_accounts.authentication.ServiceTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["web.api.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": API_RATE},
    "DEFAULT_SCHEMA_CLASS": "web.api.schema.APISchema",
    "URL_FORMAT_OVERRIDE": None,  # all answers are JSON
    "EXCEPTION_HANDLER": "web.api.errors.respond_to_error",
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
}
REST_KNOX = {"TOKEN_TTL": timedelta(hours=API_TOKEN_HOURS)}
SPECTACULAR_SETTINGS = {
    "TITLE": "Messenger Logs",
    "VERSION": "1",
    "DESCRIPTION": "What the district sent, and what happened to it. docs/api.md has examples.",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "AlertState": "alerts.choices.AlertState",
        "StateEnum": "messenger_logs.choices.ContactState",
        "Engine": "messenger_logs.choices.Engine",
        "MessageStatus": "messenger_logs.choices.MessageStatus",
        "Mode": "messenger_logs.choices.Mode",
        "DeliveryStatus": "messenger_logs.choices.DeliveryStatus",
        "Outcome": "messenger_logs.choices.Outcome",
        "LinkedBy": "messenger_logs.choices.LinkedBy",
    },
}

# Voice and text
VOXOLOGY_API_KEY = env.str("VOXOLOGY_API_KEY", default="")
VOXOLOGY_API_BASE = env.str("VOXOLOGY_API_BASE", default="")
VOXOLOGY_CALLER_ID = env.str("VOXOLOGY_CALLER_ID", default="")
VOXOLOGY_TEXT_NUMBER = env.str("VOXOLOGY_TEXT_NUMBER", default=VOXOLOGY_CALLER_ID)
# A secret part of the addresses that the provider calls. It stands for the signature that the provider does not give.
VOXOLOGY_WEBHOOK_SECRET = env.str("VOXOLOGY_WEBHOOK_SECRET", default="")
# Paths of the provider's API, if they differ from those in providers/voxology.py.
VOXOLOGY_PATHS = {
    "dial": env.str("VOXOLOGY_PATH_DIAL", default=""),
    "call_log": env.str("VOXOLOGY_PATH_CALL_LOG", default=""),
    "hang_up": env.str("VOXOLOGY_PATH_HANG_UP", default=""),
    "text": env.str("VOXOLOGY_PATH_TEXT", default=""),
}
# How long a provider may take to answer.
PROVIDER_TIMEOUT_SECONDS = env.int("PROVIDER_TIMEOUT_SECONDS", default=30)

# Dispatch: the gateway of each mode. Each name is a function that returns a gateway, or None if it is not configured.
GATEWAYS = {
    "inbox": "dispatch.gateways.inbox.gateway",
    "email": "dispatch.gateways.mailgun.gateway",
    "voice": "dispatch.gateways.voxology.voice_gateway",
    "text": "dispatch.gateways.voxology.text_gateway",
}

# How many workers the dispatcher starts for each mode, every DISPATCH_SECONDS.
DISPATCH_AT_ONCE = env.int("DISPATCH_AT_ONCE", default=2)
# After this time a silent worker counts as dead, and its claims are settled.
STALE_CLAIM_SECONDS = env.int("STALE_CLAIM_SECONDS", default=300)
# How often (in seconds) a provider is asked about a hand-off that it never answered.
LOOK_AGAIN_SECONDS = env.int("LOOK_AGAIN_SECONDS", default=300)
# How long it is asked about that, and about a call that does not end.
LOOK_UP_HOURS = env.int("LOOK_UP_HOURS", default=72)
CALL_RESULT_HOURS = env.int("CALL_RESULT_HOURS", default=2)
# How long the providers' answers to hand-overs are kept.
CLAIM_RETENTION_DAYS = env.int("CLAIM_RETENTION_DAYS", default=90)
# The calling hours in the district's time zone; the number of calls to a device, and the pause between them.
VOICE_HOURS = env.hours("VOICE_HOURS", default="08:00-21:00")
PHONE_TRIES = env.int("PHONE_TRIES", default=3)
REDIAL_MINUTES = env.int("REDIAL_MINUTES", default=15)
REDIAL_ANSWERING_MACHINES = env.bool("REDIAL_ANSWERING_MACHINES", default=False)
# How many deliveries may go out in a minute, over all workers; 0 sets no limit.
ITEMS_A_MINUTE = {
    "email": env.int("EMAIL_A_MINUTE", default=0),
    "voice": env.int("VOICE_A_MINUTE", default=0),
    "text": env.int("TEXT_A_MINUTE", default=0),
}

# Reports. Up to this number of rows they open at once; larger ones are made in the background and kept for some days.
REPORT_AT_ONCE_ROWS = env.int("REPORT_AT_ONCE_ROWS", default=10_000)
REPORT_FOLDER = env.path("REPORT_FOLDER", default=BASE_DIR / "var" / "reports")
REPORT_DAYS = env.int("REPORT_DAYS", default=7)
# What one person may have: reports that are being made, reports that are not finished, and megabytes of files. The
# first two hold for requests for records, too, and the first for imports.
REPORTS_AT_ONCE = env.int("REPORTS_AT_ONCE", default=2)
REPORT_UNFINISHED_EACH = env.int("REPORT_UNFINISHED_EACH", default=50)
REPORT_MEGABYTES_EACH = env.int("REPORT_MEGABYTES_EACH", default=1024)

# Uploaded files of messages, in a folder below that of reports: how large one may be, and for how many days it is kept.
IMPORT_MEGABYTES = env.int("IMPORT_MEGABYTES", default=512)
IMPORT_DAYS = env.int("IMPORT_DAYS", default=7)
