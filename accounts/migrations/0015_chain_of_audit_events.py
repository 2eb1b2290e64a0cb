from django.db import migrations, models

# The content of an event as text: it is hashed here, and read again by accounts/audit_chain.py. Times are microseconds
# since 1970 in UTC, so that no setting of a session changes the text.
CONTENT = """
jsonb_build_array(
    place, event.id, (extract(epoch FROM event.occurred_at) * 1000000)::bigint, event.who_id, event.who, event.action,
    event.target, event.details, (extract(epoch FROM event.stored_at) * 1000000)::bigint
)::text
"""
# Both functions run with the rights of the owner, so the role of the product needs none on the two tables but to read.
CHAIN = f"""
CREATE FUNCTION accounts_auditevent_wait() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO accounts_auditwaiting (event_id, stored_at) SELECT id, clock_timestamp() FROM stored;
    RETURN NULL;
END $$;

CREATE TRIGGER accounts_auditevent_waits AFTER INSERT ON accounts_auditevent
    REFERENCING NEW TABLE AS stored FOR EACH STATEMENT EXECUTE FUNCTION accounts_auditevent_wait();

CREATE FUNCTION accounts_chain_audit(most integer) RETURNS integer LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place bigint;
    link bytea;
    event record;
    chained bigint[] := '{{}}';
BEGIN
    IF NOT pg_try_advisory_xact_lock(7265014) THEN
        RETURN 0;
    END IF;
    SELECT number, hash INTO place, link FROM accounts_auditlink ORDER BY number DESC LIMIT 1;
    place := coalesce(place, 0);
    link := coalesce(link, '');
    FOR event IN
        SELECT stored.*, waiting.stored_at
        FROM accounts_auditwaiting AS waiting JOIN accounts_auditevent AS stored ON stored.id = waiting.event_id
        ORDER BY waiting.event_id LIMIT most
    LOOP
        place := place + 1;
        link := sha256(link || convert_to({CONTENT}, 'UTF8'));
        INSERT INTO accounts_auditlink (number, event_id, stored_at, hash)
            VALUES (place, event.id, event.stored_at, link);
        chained := chained || event.id;
    END LOOP;
    DELETE FROM accounts_auditwaiting WHERE event_id = ANY (chained);
    RETURN cardinality(chained);
END $$;

CREATE TRIGGER accounts_auditlink_no_change BEFORE UPDATE OR DELETE ON accounts_auditlink
    FOR EACH ROW EXECUTE FUNCTION accounts_auditevent_refuse();
CREATE TRIGGER accounts_auditlink_no_truncate BEFORE TRUNCATE ON accounts_auditlink
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_auditevent_refuse();
"""
NO_CHAIN = """
DROP TRIGGER accounts_auditlink_no_change ON accounts_auditlink;
DROP TRIGGER accounts_auditlink_no_truncate ON accounts_auditlink;
DROP TRIGGER accounts_auditevent_waits ON accounts_auditevent;
DROP FUNCTION accounts_chain_audit(integer);
DROP FUNCTION accounts_auditevent_wait();
"""
# The events of earlier versions. The task chains them a few thousand at a time; when they were stored is not known.
EARLIER = "INSERT INTO accounts_auditwaiting (event_id) SELECT id FROM accounts_auditevent"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0014_roster_rights")]
    operations = [
        migrations.CreateModel(
            name="AuditLink",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("event_id", models.BigIntegerField(unique=True)),
                ("stored_at", models.DateTimeField(null=True)),
                ("hash", models.BinaryField(max_length=32)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="AuditWaiting",
            fields=[
                ("event_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("stored_at", models.DateTimeField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunSQL(CHAIN, NO_CHAIN),
        migrations.RunSQL(EARLIER, migrations.RunSQL.noop),
    ]
