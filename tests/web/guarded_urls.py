"""Pages that do nothing but be guarded."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import View

from accounts.access import SignedInRequest, ToolRightMixin, tool_right
from accounts.tools import Right, Tool
from config.urls import urlpatterns as product


@tool_right(Tool.MAILGUN_SYNC, Right.WRITE)
def function(request: SignedInRequest) -> HttpResponse:
    return HttpResponse(f"hello {request.user.username}")


class Class(ToolRightMixin, View):
    tool = Tool.AUDIT_TRAIL

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("hello")

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("posted")


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


urlpatterns = [path("function/", function), path("class/", Class.as_view()), path("broken/", broken), *product]
