"""What mails of the product have in them; docs/configuration.md lists the names."""

from config.environment import Env

env = Env()

# The address of the site as people enter it, for links in mails and alerts that no request leads to.
SITE_URL = env.str("SITE_URL", default="").rstrip("/")
# Whether an administrator may let a scheduled report go out as an attachment, and how large it may be.
REPORT_ATTACHMENTS = env.bool("REPORT_ATTACHMENTS", default=False)
REPORT_ATTACHMENT_MEGABYTES = env.int("REPORT_ATTACHMENT_MEGABYTES", default=10)
