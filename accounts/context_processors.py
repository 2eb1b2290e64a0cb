from django.conf import settings
from django.http import HttpRequest


def district(request: HttpRequest) -> dict[str, object]:
    return {"DISTRICT_NAME": settings.DISTRICT_NAME}
