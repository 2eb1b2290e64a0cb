"""How people prove who they are, besides the password, and how long a session lasts."""

from datetime import timedelta

from config.environment import Env

env = Env()

# A session ends after so many minutes without a request, and after so many hours in any case.
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=60)
SESSION_HOURS = env.int("SESSION_HOURS", default=10)
SESSION_COOKIE_AGE = int(timedelta(hours=SESSION_HOURS).total_seconds())
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

# The second factor. A user group may require it; see accounts.second_factor.
MFA_ADAPTER = "accounts.mfa_adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # administrators vouch for the addresses
MFA_TOTP_TOLERANCE = 1  # 30 seconds before and after, for clocks that are wrong
MFA_FORMS = {
    "authenticate": "accounts.factor_forms.CodeForm",
    "reauthenticate": "accounts.factor_forms.CodeAgainForm",
    "authenticate_webauthn": "accounts.factor_forms.PasskeyForm",
    "reauthenticate_webauthn": "accounts.factor_forms.PasskeyAgainForm",
    "login_webauthn": "accounts.factor_forms.PasskeyAloneForm",
    "activate_totp": "accounts.factor_forms.SetUpAppForm",
    "add_webauthn": "accounts.factor_forms.AddPasskeyForm",
    "edit_webauthn": "accounts.factor_forms.RenamePasskeyForm",
}
# A passkey cannot be guessed. A whole school, which may share an address, signs in within minutes.
MFA_RATE_LIMITS = {"webauthn_login": "300/m/ip"}
# Wrong codes; see accounts.adapter.limits. Each is one of a million, so a day of guessing must stay far below that.
CODE_RATE_LIMITS = {
    "code_failed": "30/m/ip,5/15m/key",
    "code_failed_anywhere": "30/h/key",
    "code_failed_on_known_device": "5/15m/key",
    "reauthenticate": None,  # allauth's own count of it, which knows no device
}
# After so many minutes, what can do harm asks for the factor again, where a group requires one: changes of rights, an
# address that is allowed again, a file of more rows than this.
FACTOR_AGAIN_MINUTES = env.int("FACTOR_AGAIN_MINUTES", default=15)
FACTOR_AGAIN_ROWS = env.int("FACTOR_AGAIN_ROWS", default=500)
ACCOUNT_REAUTHENTICATION_TIMEOUT = FACTOR_AGAIN_MINUTES * 60

# Keys that encrypt the stored secrets of second factors. Several while a key is renewed, the new one first.
SECOND_FACTOR_KEYS = env.names("SECOND_FACTOR_KEY") or [env.str("SECRET_KEY")]
