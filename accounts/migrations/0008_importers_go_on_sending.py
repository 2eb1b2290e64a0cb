"""Sending from here was part of the right to import messages. Who had that right goes on sending, as before."""

from django.db import migrations

IMPORT = "write_message_import"
SENDING = {
    "send_message_import": "Messenger Administration > Message Import (API): Send",
    "send_as_others_message_import": "Messenger Administration > Message Import (API): Send as others",
}


def give_sending_rights(apps, schema_editor):
    Permission = apps.get_model("auth", "Permission")
    imports = Permission.objects.filter(content_type__app_label="accounts", codename=IMPORT).first()
    if imports is None:
        # A new installation: its permissions and groups are made after the migrations.
        return
    for codename, name in SENDING.items():
        sends, _ = Permission.objects.get_or_create(
            content_type=imports.content_type, codename=codename, defaults={"name": name}
        )
        for group in imports.group_set.all():
            group.permissions.add(sends)
        for user in imports.user_set.all():
            user.user_permissions.add(sends)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_sending_rights"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(give_sending_rights, migrations.RunPython.noop, elidable=True)]
