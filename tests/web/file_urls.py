"""The product with one page more, which answers with a file."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from config.urls import urlpatterns as product
from web.urls import urlpatterns as pages


def a_file(request: HttpRequest) -> HttpResponse:
    return HttpResponse("name,address", content_type="text/csv")


more = [path("a-file/", a_file, name="a_file"), *pages]
urlpatterns = [path("", include((more, "web"))), *product[1:]]
