from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

# The admin's own sign-in page would not know the lockout.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler400 = "web.views.errors.not_understood"
handler404 = "web.views.errors.not_found"
handler500 = "web.views.errors.failed"

urlpatterns = [
    path("", include("web.urls")),
    path("api/v1/", include("web.api.urls")),
    path("accounts/", include("accounts.allauth_urls")),
    path("admin/", admin.site.urls),
]
