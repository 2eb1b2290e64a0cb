"""The rights on Contacts to Fix. Groups that see a person's messages see there what fails; those that cancel, act."""

from django.db import migrations

# For each new right the rights that a group must have, and its name.
NEW = {
    'read_contacts_to_fix': (['read_recipient_log'], 'Messenger > Contacts to Fix: R'),
    'write_contacts_to_fix': (['read_recipient_log', 'write_sent_message_log'], 'Messenger > Contacts to Fix: W'),
    'read_admin_contacts_to_fix': (['read_admin_recipient_log'], 'Messenger Administration > Contacts to Fix: R'),
    'write_admin_contacts_to_fix': (
        ['read_admin_recipient_log', 'write_admin_sent_message_log'],
        'Messenger Administration > Contacts to Fix: W',
    ),
}


def give(apps, schema_editor):
    permissions = apps.get_model('auth', 'Permission').objects.filter(content_type__app_label='accounts')
    for codename, (needed, name) in NEW.items():
        known = permissions.filter(codename__in=needed)
        if len(known) < len(needed):
            return  # a new installation: it gets its groups and their rights at the end
        groups = apps.get_model('auth', 'Group').objects.all()
        for permission in known:
            groups = groups.filter(permissions=permission)
        new, _ = apps.get_model('auth', 'Permission').objects.get_or_create(
            codename=codename, content_type=known[0].content_type, defaults={'name': name}
        )
        for group in groups:
            group.permissions.add(new)


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('accounts', '0010_reach_rights'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='toolright',
            options={'default_permissions': (), 'managed': False, 'permissions': [('read_sent_message_log', 'Messenger > Sent Message Log: R'), ('write_sent_message_log', 'Messenger > Sent Message Log: W'), ('read_sent_message_log_2', 'Messenger > Sent Message Log 2.0: R'), ('my_messages_sent_message_log_2', 'Messenger > Sent Message Log 2.0: My Messages'), ('all_messages_sent_message_log_2', 'Messenger > Sent Message Log 2.0: All Messages'), ('type_general_sent_message_log_2', 'Messenger > Sent Message Log 2.0: Messenger 2.0 - General'), ('type_priority_sent_message_log_2', 'Messenger > Sent Message Log 2.0: Messenger 2.0 - Priority'), ('type_emergency_sent_message_log_2', 'Messenger > Sent Message Log 2.0: Messenger 2.0 - Emergency'), ('type_text_opt_sent_message_log_2', 'Messenger > Sent Message Log 2.0: Text Opt In/Out'), ('read_upcoming_messages', 'Messenger > Upcoming Messages: R'), ('write_upcoming_messages', 'Messenger > Upcoming Messages: W'), ('view_cancel_all_upcoming_messages', 'Messenger > Upcoming Messages: View/Cancel All'), ('read_mailgun_message_log', 'Messenger > Mailgun Message Log: R'), ('read_recipient_log', 'Messenger > Recipient Log: R'), ('read_contacts_to_fix', 'Messenger > Contacts to Fix: R'), ('write_contacts_to_fix', 'Messenger > Contacts to Fix: W'), ('read_admin_sent_message_log', 'Messenger Administration > Sent Message Log: R'), ('write_admin_sent_message_log', 'Messenger Administration > Sent Message Log: W'), ('merge_field_values_admin_sent_message_log', 'Messenger Administration > Sent Message Log: Merge-field values'), ('read_admin_mailgun_message_log', 'Messenger Administration > Mailgun Message Log: R'), ('read_admin_recipient_log', 'Messenger Administration > Recipient Log: R'), ('read_admin_contacts_to_fix', 'Messenger Administration > Contacts to Fix: R'), ('write_admin_contacts_to_fix', 'Messenger Administration > Contacts to Fix: W'), ('read_replies', 'Messenger Administration > Replies: R'), ('read_mailgun_sync', 'Messenger Administration > Mailgun Sync: R'), ('write_mailgun_sync', 'Messenger Administration > Mailgun Sync: W'), ('write_message_import', 'Messenger Administration > Message Import (API): W'), ('send_message_import', 'Messenger Administration > Message Import (API): Send'), ('send_as_others_message_import', 'Messenger Administration > Message Import (API): Send as others'), ('read_portal_inbox', 'Messenger Administration > Portal Inbox (API): R'), ('read_user_groups', 'System Administration > User Groups and Tool Rights: R'), ('write_user_groups', 'System Administration > User Groups and Tool Rights: W'), ('read_audit_trail', 'System Administration > Audit Trail: R')]},
        ),
        migrations.RunPython(give, migrations.RunPython.noop),
    ]
