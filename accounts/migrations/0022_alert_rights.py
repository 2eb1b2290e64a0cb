"""The rights on Alerts. Groups that change rights get both, and those that see the state of the sync see alerts."""

from django.db import migrations

NEW = {
    'read_alerts': ('Messenger Administration > Alerts: R', ['write_user_groups', 'read_mailgun_sync']),
    'write_alerts': ('Messenger Administration > Alerts: W', ['write_user_groups']),
}


def give(apps, schema_editor):
    permissions = apps.get_model('auth', 'Permission').objects.filter(content_type__app_label='accounts')
    known = permissions.filter(codename='write_user_groups').first()
    if known is None:
        return  # a new installation: it gets its groups and their rights at the end
    groups = apps.get_model('auth', 'Group').objects
    for codename, (name, needed) in NEW.items():
        new, _ = apps.get_model('auth', 'Permission').objects.get_or_create(
            codename=codename, content_type=known.content_type, defaults={'name': name}
        )
        for group in groups.filter(permissions__in=permissions.filter(codename__in=needed)).distinct():
            group.permissions.add(new)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0021_system_health'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='toolright',
            options={'default_permissions': (), 'managed': False, 'permissions': [('read_sent_message_log', 'Messenger > Sent Message Log: R'), ('write_sent_message_log', 'Messenger > Sent Message Log: W'), ('read_sent_message_log_2', 'Messenger > Sent Message Log 2.0: R'), ('my_messages_sent_message_log_2', 'Messenger > Sent Message Log 2.0: My Messages'), ('all_messages_sent_message_log_2', 'Messenger > Sent Message Log 2.0: All Messages'), ('type_general_sent_message_log_2', 'Messenger > Sent Message Log 2.0: Messenger 2.0 - General'), ('type_priority_sent_message_log_2', 'Messenger > Sent Message Log 2.0: Messenger 2.0 - Priority'), ('type_emergency_sent_message_log_2', 'Messenger > Sent Message Log 2.0: Messenger 2.0 - Emergency'), ('type_text_opt_sent_message_log_2', 'Messenger > Sent Message Log 2.0: Text Opt In/Out'), ('read_upcoming_messages', 'Messenger > Upcoming Messages: R'), ('write_upcoming_messages', 'Messenger > Upcoming Messages: W'), ('view_cancel_all_upcoming_messages', 'Messenger > Upcoming Messages: View/Cancel All'), ('read_mailgun_message_log', 'Messenger > Mailgun Message Log: R'), ('read_recipient_log', 'Messenger > Recipient Log: R'), ('read_reach', 'Messenger > Reach: R'), ('write_reach', 'Messenger > Reach: W'), ('read_contacts_to_fix', 'Messenger > Contacts to Fix: R'), ('write_contacts_to_fix', 'Messenger > Contacts to Fix: W'), ('read_admin_sent_message_log', 'Messenger Administration > Sent Message Log: R'), ('write_admin_sent_message_log', 'Messenger Administration > Sent Message Log: W'), ('merge_field_values_admin_sent_message_log', 'Messenger Administration > Sent Message Log: Merge-field values'), ('read_admin_mailgun_message_log', 'Messenger Administration > Mailgun Message Log: R'), ('read_admin_recipient_log', 'Messenger Administration > Recipient Log: R'), ('read_admin_reach', 'Messenger Administration > Reach: R'), ('write_admin_reach', 'Messenger Administration > Reach: W'), ('read_admin_contacts_to_fix', 'Messenger Administration > Contacts to Fix: R'), ('write_admin_contacts_to_fix', 'Messenger Administration > Contacts to Fix: W'), ('read_replies', 'Messenger Administration > Replies: R'), ('read_mailgun_sync', 'Messenger Administration > Mailgun Sync: R'), ('write_mailgun_sync', 'Messenger Administration > Mailgun Sync: W'), ('read_alerts', 'Messenger Administration > Alerts: R'), ('write_alerts', 'Messenger Administration > Alerts: W'), ('write_message_import', 'Messenger Administration > Message Import: W'), ('send_message_import', 'Messenger Administration > Message Import: Send'), ('send_as_others_message_import', 'Messenger Administration > Message Import: Send as others'), ('read_portal_inbox', 'Messenger Administration > Portal Inbox (API): R'), ('read_user_groups', 'System Administration > User Groups and Tool Rights: R'), ('write_user_groups', 'System Administration > User Groups and Tool Rights: W'), ('read_roster', 'System Administration > Roster: R'), ('write_roster', 'System Administration > Roster: W'), ('read_audit_trail', 'System Administration > Audit Trail: R'), ('read_records_request', 'System Administration > Records Requests: R'), ('write_records_request', 'System Administration > Records Requests: W'), ('read_retention', 'System Administration > Retention and Holds: R'), ('write_retention', 'System Administration > Retention and Holds: W'), ('write_erase', 'System Administration > Erase a Person: W')]},
        ),
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
