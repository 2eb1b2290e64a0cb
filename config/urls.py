from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# Its own sign-in page would know nothing of the lockout.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler404 = "config.errors.not_found"
handler500 = "config.errors.failed"

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("dispatch.urls")),
    path("", include("mailgun_sync.urls")),
    path("", include("messenger_logs.urls")),
    path("", include("reports.urls")),
    path("api/v1/", include("config.api_urls")),
    path("accounts/", include("accounts.allauth_urls")),
    path("admin/", admin.site.urls),
]
