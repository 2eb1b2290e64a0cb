"""The pages of django-allauth that are in use: administrators make the accounts, so nobody signs up."""

from allauth.account import views
from django.urls import include, path, re_path
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView

from accounts.sso import views as sso

# allauth makes these addresses by their names. A provider is configured with them, so they never change.
_BY_PROVIDER = [
    path("by/<slug:provider>/", sso.start, name="sign_in_by"),
    path("oidc/<slug:provider_id>/login/callback/", sso.oidc_callback, name="openid_connect_callback"),
    path("saml/<slug:organization_slug>/acs/", sso.saml_answer, name="saml_acs"),
    path("saml/<slug:organization_slug>/acs/finish/", sso.saml_finish, name="saml_finish_acs"),
    path("saml/<slug:organization_slug>/sls/", sso.saml_sign_out, name="saml_sls"),
    path("saml/<slug:organization_slug>/metadata/", sso.saml_metadata, name="saml_metadata"),
]

urlpatterns = [
    *_BY_PROVIDER,
    path("login/", sso.SignInView.as_view(), name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", sso.ChangePasswordView.as_view(), name="account_change_password"),
    path("password/reset/", views.password_reset, name="account_reset_password"),
    path("password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    path("password/reset/key/done/", views.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("second-factor/", include("allauth.mfa.urls")),
    path("help/", require_safe(TemplateView.as_view(template_name="account/help.html")), name="account_help"),
]
