"""Settings of an installation on several hosts; docs/production.md says how they work together."""

from django.conf import global_settings

from config.environment import Env

_env = Env()

# For how long a process that has died may keep others from its work. All processes need the same value.
LEASE_SECONDS = _env.float("LEASE_SECONDS", default=15)

# Where the files of reports, records requests and uploads are: a bucket of S3, or else REPORT_FOLDER. Without keys,
# those of the host count, such as the role of its instance.
FILES_S3_BUCKET = _env.str("FILES_S3_BUCKET", default="")
STORAGES = global_settings.STORAGES | {
    "files": {
        "BACKEND": "core.s3_files.S3Files",
        "OPTIONS": {
            "bucket_name": FILES_S3_BUCKET,
            "location": _env.str("FILES_S3_PREFIX", default="").strip("/"),
            "endpoint_url": _env.str("FILES_S3_ENDPOINT_URL", default="") or None,
            "region_name": _env.str("FILES_S3_REGION", default="") or None,
            "access_key": _env.str("FILES_S3_ACCESS_KEY_ID", default="") or None,
            "secret_key": _env.str("FILES_S3_SECRET_ACCESS_KEY", default="") or None,
            "default_acl": None,  # as the bucket, which has to be private
        },
    }
    if FILES_S3_BUCKET
    else {"BACKEND": "core.files.LocalFiles"},
}

# A replica of the database for searches, exports and reports, and how far it may be behind.
DATABASE_ROUTERS = ["core.replica.Router"] if _env.str("DATABASE_URL_READ", default="") else []
REPLICA_LAG_SECONDS = _env.float("REPLICA_LAG_SECONDS", default=30)
