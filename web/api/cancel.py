"""Cancels a message. The rights are those of the pages that cancel."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.tools import MissingRight, NotForAllSchools, Right, Tool, ToolAndRight
from messenger_logs.choices import Engine, MessageStatus
from messenger_logs.models import SentMessage
from messenger_logs.querysets import CANCEL_TOOLS
from messenger_logs.services.cancel import CancelAnswer, Result, cancel_message
from web.api.access import ToolAPIView
from web.api.serializers import CancelFiguresSerializer
from web.cancel_text import cancel_text
from web.message_access import in_any_log, record_late_cancel


class CancelSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="message.pk")
    subject = serializers.CharField(source="message.subject")
    result = serializers.ChoiceField(
        choices=[result.value for result in Result],
        help_text="If the message was canceled before, the other fields say by whom and when.",
    )
    detail = serializers.SerializerMethodField(help_text="The same in a sentence.")
    status = serializers.ChoiceField(source="message.status", choices=MessageStatus.choices)
    figures = CancelFiguresSerializer()
    canceled_by = serializers.CharField(source="message.canceled_by_name", help_text="Empty if nobody canceled it.")
    cancel_asked_at = serializers.DateTimeField(source="message.cancel_asked_at", allow_null=True)
    cancel_completed_at = serializers.DateTimeField(source="message.cancel_completed_at", allow_null=True)

    def get_detail(self, answer: CancelAnswer) -> str:
        return cancel_text(answer)


class Cancel(ToolAPIView):
    def needed(self) -> ToolAndRight:
        tool = next((tool for tool in CANCEL_TOOLS if self.user.may(tool, Right.WRITE)), Tool.SENT_MESSAGE_LOG)
        return ToolAndRight(tool, Right.WRITE)

    @extend_schema(
        tags=["Messages"],
        summary="Cancel a message",
        request=None,
        responses={
            200: CancelSerializer,
            409: OpenApiResponse(CancelSerializer, description="It had finished; nothing was canceled."),
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """After the answer, nothing more of the message begins to leave. What had left may still arrive. It needs the
        right W of a log that shows the message, or of Upcoming Messages. It is safe to repeat."""
        answer = cancel_message(message_id=self.find(pk).pk, by=self.user)
        record_late_cancel(answer)
        status = 409 if answer.result is Result.FINISHED else 200
        return Response(CancelSerializer(answer).data, status=status)

    def find(self, pk: int) -> SentMessage:
        """Return the message.

        Raises Http404 if the user does not see it, MissingRight if only others may cancel it, NotForAllSchools if only
        those of more schools may.
        """
        message = SentMessage.objects.in_reach_of_any_cancel(self.user).filter(pk=pk).first()
        if message is None:
            seen: SentMessage = get_object_or_404(in_any_log(self.user), pk=pk)
            for tool in CANCEL_TOOLS:
                if self.user.may(tool, Right.WRITE) and SentMessage.objects.visible_to(self.user, tool).contains(seen):
                    raise NotForAllSchools(tool, Right.WRITE)
            upcoming = seen.engine == Engine.V2
            raise MissingRight(Tool.UPCOMING_MESSAGES if upcoming else Tool.ADMIN_SENT_MESSAGE_LOG, Right.WRITE)
        return message
