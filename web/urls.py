from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, path

from accounts.access import tool_right
from accounts.tools import Tool
from listings.registry import registry
from listings.views import ListingView
from reports.kinds import MESSAGE_REPORTS
from reports.kinds.call_sheet import CallSheet
from reports.kinds.cancel_certificate import CancelCertificate
from web.exporter import exporter
from web.kept_views import kept_views
from web.listings import ALERTS_PATH, CONTACT_PATHS, MAILGUN_PATHS, MESSAGE_PATHS, PEOPLE_PATH, REACH_PATHS
from web.views import (
    access_effect,
    alerts,
    domain_health,
    erase,
    home,
    language,
    mailgun_webhook,
    message_import,
    my_notifications,
    people,
    records,
    reports,
    retention,
    roster,
    saved_views,
    scheduled_reports,
    search,
    service_accounts,
    sign_in,
    sync_status,
    system_health,
    user_groups,
    view_as,
    webhooks,
)
from web.views import help as help_pages
from web.views.cancel import CancelMessage, CancelUpcomingMessage
from web.views.contacts_to_fix import AllowAgain, ContactPage, SetContactState
from web.views.drill import MarkDrill
from web.views.email_events import EmailEvents
from web.views.message import MessageBody, MessagePage
from web.views.reports import MessageReportView, OneClickReportView
from web.views.retry import RetryDeliveries
from web.views.sent_message_log_2 import SentMessageLog2Page, UpcomingMessagePage

app_name = "web"

DISPATCH = "messenger-administration/dispatch-status/"
SYNC, GROUPS = "messenger-administration/mailgun-sync/", "system-administration/user-groups/"
PROGRAMS = f"{GROUPS}service-accounts/"
IMPORT, ROSTER = "messenger-administration/message-import/", "system-administration/roster/"
RECORDS = "system-administration/records-requests/"
VIEWS, SCHEDULES = "saved-views/", "system-administration/scheduled-reports/"
RETENTION, ERASE = "system-administration/retention/", "system-administration/erase/"

# For each tool that shows messages: the view of a message's page and the view that cancels it, if there is one.
MESSAGE_VIEWS: dict[Tool, tuple[Any, Any]] = {
    Tool.SENT_MESSAGE_LOG: (MessagePage, CancelMessage),
    Tool.ADMIN_SENT_MESSAGE_LOG: (MessagePage, CancelMessage),
    Tool.SENT_MESSAGE_LOG_2: (SentMessageLog2Page, None),
    Tool.UPCOMING_MESSAGES: (UpcomingMessagePage, CancelUpcomingMessage),
}


def listing_pages() -> Iterator[URLPattern]:
    for entry in registry:
        if entry.path:
            view = tool_right(entry.tool)(ListingView.as_view(entry=entry, exporter=exporter, kept_views=kept_views))
            yield path(entry.path, view, name=entry.name)


def message_pages() -> Iterator[URLPattern]:
    """Yield the pages of one message, below each log that shows messages; see web.message_urls."""
    for tool, (page, cancel) in MESSAGE_VIEWS.items():
        route, name = f"{MESSAGE_PATHS[tool]}<int:pk>/", f"{tool.name.lower()}_message"
        yield path(route, page.as_view(tool=tool), name=name)
        yield path(f"{route}body/<str:mode>/", MessageBody.as_view(tool=tool), name=f"{name}_body")
        call_sheet = OneClickReportView.as_view(tool=tool, report_class=CallSheet)
        yield path(f"{route}call-sheet/", call_sheet, name=f"{name}_call_sheet")
        certificate = OneClickReportView.as_view(tool=tool, report_class=CancelCertificate)
        yield path(f"{route}certificate/", certificate, name=f"{name}_certificate")
        if cancel:
            yield path(f"{route}cancel/", cancel.as_view(tool=tool), name=f"{name}_cancel")
            yield path(f"{route}in-doubt/", RetryDeliveries.as_view(tool=tool), name=f"{name}_retry")
        for report in MESSAGE_REPORTS:
            if tool in report.tools:
                view = MessageReportView.as_view(tool=tool, report_class=report)
                yield path(f"{route}report/", view, name=f"{name}_report")


def drill_pages() -> Iterator[URLPattern]:
    for tool, route in REACH_PATHS.items():
        name = "admin_drill_mark" if tool is Tool.ADMIN_REACH else "drill_mark"
        yield path(f"{route}drills/<int:pk>/mark/", MarkDrill.as_view(tool=tool), name=name)


def contact_pages() -> Iterator[URLPattern]:
    """Yield the pages of one contact to fix, below each list of them; see web.contact_access."""
    for tool, path_of_list in CONTACT_PATHS.items():
        route, name = f"{path_of_list}<int:pk>/", f"{tool.name.lower()}_contact"
        yield path(route, ContactPage.as_view(tool=tool), name=name)
        yield path(f"{route}state/", SetContactState.as_view(tool=tool), name=f"{name}_state")
        yield path(f"{route}allow/", AllowAgain.as_view(tool=tool), name=f"{name}_allow")


def email_pages() -> Iterator[URLPattern]:
    """Yield the page of the events of one e-mail, below each log of Mailgun's events."""
    for tool, route in MAILGUN_PATHS.items():
        yield path(f"{route}<int:pk>/", EmailEvents.as_view(tool=tool), name=f"{tool.name.lower()}_email")


def webhook(route: str, view: Any, *, name: str) -> Iterator[URLPattern]:
    """Yield the address of a webhook without and with its last slash: not every provider follows a redirect."""
    yield path(route.removesuffix("/"), view, name=name)
    yield path(route, view, name=name)


urlpatterns = [
    path("", home.home, name="home"),
    path("search/", search.search, name="search"),
    path("language/", language.language, name="language"),
    path("help/", help_pages.help_index, name="help"),
    path("help/keys/", help_pages.keys, name="keys"),
    path("help/<slug:slug>/", help_pages.tool_help, name="tool_help"),
    *listing_pages(),
    *message_pages(),
    *drill_pages(),
    *contact_pages(),
    *email_pages(),
    path("messenger-administration/system-health/", system_health.system_health, name="system_health"),
    # The two pages that it was before.
    path(SYNC, system_health.moved_here, {"part": "events"}, name="mailgun_sync"),
    path(DISPATCH, system_health.moved_here, {"part": "sending"}, name="dispatch_status"),
    path(f"{SYNC}domains/<int:pk>/sync/", sync_status.sync_now, name="sync_now"),
    path(f"{SYNC}domains/<int:pk>/suppressions/", sync_status.read_suppressions, name="read_suppressions"),
    path(f"{SYNC}domains/<int:pk>/pause/", sync_status.pause, name="pause_sync"),
    path(f"{SYNC}domains/<int:pk>/resume/", sync_status.resume, name="resume_sync"),
    path(f"{SYNC}domains/<int:pk>/backfill/", sync_status.backfill, name="backfill_sync"),
    path(f"{SYNC}health/", domain_health.domain_health, name="domain_health"),
    path(f"{SYNC}domains/<int:pk>/check/", domain_health.check_domain, name="check_domain"),
    path(f"{SYNC}quarantine/<int:pk>/retry/", sync_status.retry_event, name="retry_event"),
    path(f"{ALERTS_PATH}<int:pk>/", alerts.alert, name="alert"),
    path(f"{ALERTS_PATH}<int:pk>/acknowledge/", alerts.acknowledge_alert, name="acknowledge_alert"),
    path(f"{ALERTS_PATH}channels/", alerts.channels, name="alert_channels"),
    path(f"{ALERTS_PATH}channels/new/<str:kind>/", alerts.new_channel, name="new_alert_channel"),
    path(f"{ALERTS_PATH}channels/<int:pk>/", alerts.channel, name="alert_channel"),
    path(f"{ALERTS_PATH}channels/<int:pk>/test/", alerts.test_channel, name="test_alert_channel"),
    path(f"{ALERTS_PATH}channels/<int:pk>/remove/", alerts.remove, name="remove_alert_channel"),
    path(IMPORT, message_import.message_import, name="message_import"),
    path(f"{IMPORT}upload/", message_import.upload, name="import_upload"),
    path(f"{IMPORT}<int:pk>/", message_import.import_job, name="import_job"),
    path(f"{IMPORT}<int:pk>/check/", message_import.check, name="import_check"),
    path(f"{IMPORT}<int:pk>/map/", message_import.import_map, name="import_map"),
    path(f"{IMPORT}<int:pk>/start/", message_import.start, name="import_start"),
    path(f"{IMPORT}<int:pk>/cancel/", message_import.cancel, name="import_cancel"),
    path(f"{IMPORT}<int:pk>/remove/", message_import.remove, name="import_remove"),
    path(f"{IMPORT}maps/<int:pk>/delete/", message_import.remove_map, name="import_map_delete"),
    path(GROUPS, user_groups.user_groups, name="user_groups"),
    path(f"{GROUPS}new/", user_groups.new_group, name="new_group"),
    path(f"{GROUPS}<int:pk>/", user_groups.user_group, name="user_group"),
    path(f"{GROUPS}<int:pk>/rights/", user_groups.change_rights, name="change_rights"),
    path(f"{GROUPS}<int:pk>/rights/effect/", access_effect.of_rights, name="rights_effect"),
    path(f"{GROUPS}<int:pk>/schools/", user_groups.change_schools, name="change_schools"),
    path(f"{GROUPS}<int:pk>/schools/effect/", access_effect.of_schools, name="schools_effect"),
    path(f"{GROUPS}<int:pk>/name/", user_groups.rename_group, name="rename_group"),
    path(f"{GROUPS}<int:pk>/people/", user_groups.group_people, name="group_people"),
    path(f"{GROUPS}<int:pk>/people/find/", user_groups.find_people, name="find_people"),
    path(f"{GROUPS}<int:pk>/people/add/", user_groups.add_member, name="add_member"),
    path(f"{GROUPS}<int:pk>/people/remove/", user_groups.remove_member, name="remove_member"),
    path(f"{GROUPS}<int:pk>/delete/", user_groups.delete_group, name="delete_group"),
    path(f"{PEOPLE_PATH}add/", people.add_person, name="add_person"),
    path(f"{PEOPLE_PATH}add/effect/", access_effect.of_memberships, name="new_person_effect"),
    path(f"{PEOPLE_PATH}<int:pk>/", people.person, name="person"),
    path(f"{PEOPLE_PATH}<int:pk>/change/", people.change_person, name="change_person"),
    path(f"{PEOPLE_PATH}<int:pk>/change/effect/", access_effect.of_memberships, name="person_effect"),
    path(f"{PEOPLE_PATH}<int:pk>/details/", people.change_details, name="change_details"),
    path(f"{PEOPLE_PATH}<int:pk>/password/", people.set_password, name="set_password"),
    path(f"{PEOPLE_PATH}<int:pk>/factors/remove/", people.remove_factors, name="remove_factors"),
    path(f"{PEOPLE_PATH}<int:pk>/close/", people.close_account, name="close_account"),
    path(f"{PEOPLE_PATH}<int:pk>/open/", people.open_account, name="open_account"),
    path(f"{PEOPLE_PATH}<int:pk>/invite/", people.invite, name="invite_person"),
    path(f"{PEOPLE_PATH}<int:pk>/view/", view_as.start, name="view_as"),
    path("end-view/", view_as.end, name="end_view_as"),
    path(ROSTER, roster.roster, name="roster"),
    path(f"{ROSTER}ask/", roster.ask, name="roster_ask"),
    path(f"{ROSTER}upload/", roster.upload, name="roster_upload"),
    path(f"{ROSTER}<int:pk>/", roster.roster_run, name="roster_run"),
    path(f"{ROSTER}<int:pk>/start/", roster.start, name="roster_start"),
    path(RECORDS, records.records_requests, name="records_requests"),
    path(f"{RECORDS}new/", records.new_request, name="new_records_request"),
    path(f"{RECORDS}<int:pk>/", records.records_request, name="records_request"),
    path(f"{RECORDS}<int:pk>/cancel/", records.cancel, name="cancel_records_request"),
    path(f"{RECORDS}<int:pk>/hand-over/", records.hand_over, name="hand_over_records"),
    path(RETENTION, retention.retention, name="retention"),
    path(f"{RETENTION}periods/", retention.set_periods, name="retention_periods"),
    path(f"{RETENTION}holds/", retention.add_hold, name="add_hold"),
    path(f"{RETENTION}holds/<int:pk>/lift/", retention.lift, name="lift_hold"),
    path(ERASE, erase.erase, name="erase"),
    path(f"{ERASE}person/", erase.show, name="erase_show"),
    path(f"{ERASE}confirm/", erase.confirm, name="erase_confirm"),
    path(f"{GROUPS}<int:pk>/second-factor/", sign_in.require_second_factor, name="require_second_factor"),
    path("sign-in-advice/hide/", sign_in.hide_advice, name="hide_sign_in_advice"),
    path("my-sessions/", sign_in.my_sessions, name="my_sessions"),
    path("my-sessions/<int:pk>/end/", sign_in.end_session, name="end_session"),
    path("my-sessions/end-others/", sign_in.end_other_sessions, name="end_other_sessions"),
    path(PROGRAMS, service_accounts.service_accounts, name="service_accounts"),
    path(f"{PROGRAMS}new/", service_accounts.new, name="new_service_account"),
    path(f"{PROGRAMS}<int:pk>/secret/", service_accounts.renew, name="renew_service_account"),
    path(f"{PROGRAMS}<int:pk>/end/", service_accounts.end, name="end_service_account"),
    path(VIEWS, saved_views.saved_views, name="saved_views"),
    path(f"{VIEWS}save/", saved_views.save, name="save_view"),
    path(f"{VIEWS}columns/", saved_views.choose_columns, name="choose_columns"),
    path(f"{VIEWS}<int:pk>/", saved_views.saved_view, name="saved_view"),
    path(f"{VIEWS}<int:pk>/change/", saved_views.change, name="change_view"),
    path(f"{VIEWS}<int:pk>/delete/", saved_views.delete, name="delete_view"),
    path(f"{VIEWS}<int:pk>/schedule/", saved_views.schedule, name="schedule_view"),
    path(f"{VIEWS}schedules/<int:pk>/remove/", saved_views.remove_schedule, name="remove_schedule"),
    path(SCHEDULES, scheduled_reports.scheduled_reports, name="scheduled_reports"),
    path(f"{SCHEDULES}<int:pk>/attachments/", scheduled_reports.attachments, name="schedule_attachments"),
    path(f"{SCHEDULES}<int:pk>/end/", scheduled_reports.end, name="end_schedule"),
    path("my-notifications/", my_notifications.my_notifications, name="my_notifications"),
    path("my-notifications/digest/", my_notifications.choose_digest, name="choose_digest"),
    path("my-notifications/reports/<int:pk>/", my_notifications.choose_report, name="choose_report"),
    path("my-reports/", reports.my_reports, name="my_reports"),
    path("my-reports/<int:pk>/", reports.job, name="report_job"),
    path("my-reports/<int:pk>/file/", reports.file, name="report_file"),
    path("my-reports/<int:pk>/cancel/", reports.cancel, name="report_cancel"),
    path("my-reports/<int:pk>/remove/", reports.remove, name="report_remove"),
    *webhook("mailgun/webhook/", mailgun_webhook.mailgun, name="mailgun_webhook"),
    *webhook("voxology/<str:secret>/call-flow/", webhooks.call_flow, name="voxology_call_flow"),
    *webhook("voxology/<str:secret>/texts/", webhooks.texts, name="voxology_texts"),
]
