"""The statements that take a roster over. Each changes only what differs, so a second one changes nothing.

The rows of the roster stand in temporary tables (`staged_…`); those of the staff, who get accounts, in `staff`.
"""

from __future__ import annotations

from roster.reading import Part

TABLES = {
    Part.ORGS: "sourced_id text PRIMARY KEY, gone boolean, name text, kind text, parent text",
    Part.TERMS: "sourced_id text PRIMARY KEY, gone boolean, title text, kind text, starts_on date, ends_on date,"
    " school_year text",
    Part.PEOPLE: "sourced_id text PRIMARY KEY, gone boolean, enabled boolean, username text, email text,"
    " first_name text, last_name text, number text, primary_org text",
    Part.ROLES: "person text, role text, org text, rank integer",
    Part.BAD: "part text, sourced_id text",
}
INDEXES = """
CREATE INDEX ON staged_roles (person);
CREATE INDEX ON staged_bad (sourced_id);
-- Of a person with a role that cannot be read we do not know enough: they stay as before.
DELETE FROM staged_people p USING staged_bad b WHERE b.part = 'roles' AND b.sourced_id = p.sourced_id;
ANALYZE staged_orgs; ANALYZE staged_people; ANALYZE staged_roles;
"""


def _left(part: str, row: str, bad: str) -> str:
    """The condition under which a row that is here is not in the roster any more: not because a line was bad."""
    named = f"SELECT FROM staged_{part} s WHERE s.sourced_id = {row}.sourced_id"
    left = f"SELECT FROM staged_bad b WHERE b.sourced_id = {row}.sourced_id AND b.part IN ({bad})"
    return f"(EXISTS ({named} AND s.gone) OR %(complete)s AND NOT EXISTS ({named}) AND NOT EXISTS ({left}))"


def _listed(table: str, part: str, columns: str, label: str) -> tuple[str, str, str]:
    """The statements for what leaves, what is changed, and what is new in a table of `Listed` rows."""
    leaving = f"""
        UPDATE {table} o SET left_at = now() {", school_id = NULL" if part == "orgs" else ""}
        WHERE o.left_at IS NULL AND {_left(part, "o", f"'{part}'")} RETURNING o.{label} AS label, '' AS what"""
    set_columns = ", ".join(f"{name} = s.{name}" for name in columns.split(", "))
    mine, theirs = (", ".join(f"{row}.{name}" for name in columns.split(", ")) for row in "os")
    no_school = ", school_id = CASE WHEN s.kind = 'school' THEN o.school_id END" if part == "orgs" else ""
    changed = f"""
        UPDATE {table} o SET {set_columns}, left_at = NULL {no_school} FROM staged_{part} s
        WHERE s.sourced_id = o.sourced_id AND NOT s.gone
            AND (o.left_at IS NOT NULL OR ({mine}) IS DISTINCT FROM ({theirs}))
        RETURNING o.{label} AS label, '' AS what"""
    new = f"""
        INSERT INTO {table} (sourced_id, {columns}) SELECT s.sourced_id, {theirs} FROM staged_{part} s
        WHERE NOT s.gone AND NOT EXISTS (SELECT FROM {table} o WHERE o.sourced_id = s.sourced_id)
        RETURNING {label} AS label, '' AS what"""
    return leaving, changed, new


ORGS = _listed("roster_rosterorg", "orgs", "name, kind, parent", "name")
TERMS = _listed("roster_rosterterm", "terms", "title, kind, starts_on, ends_on, school_year", "title")

# A school gets the name that its organization has now, unless another school has it. New schools come in the order of
# their names, as those of messages do, so that nobody waits in a circle.
LINK_SCHOOLS = """
UPDATE messenger_logs_school s SET name = o.name FROM roster_rosterorg o
WHERE o.school_id = s.id AND o.name <> s.name
    AND NOT EXISTS (SELECT FROM messenger_logs_school other WHERE other.name = o.name);
INSERT INTO messenger_logs_school (name) SELECT o.name FROM roster_rosterorg o
WHERE o.kind = 'school' AND o.left_at IS NULL AND o.school_id IS NULL ORDER BY o.name ON CONFLICT (name) DO NOTHING;
UPDATE roster_rosterorg o SET school_id = s.id FROM messenger_logs_school s
WHERE s.name = o.name AND NOT EXISTS (SELECT FROM roster_rosterorg other WHERE other.school_id = s.id)
    AND o.id IN (SELECT min(id) FROM roster_rosterorg WHERE kind = 'school' AND left_at IS NULL AND school_id IS NULL
        GROUP BY name);
"""
NAMES_TAKEN = """
SELECT o.name FROM roster_rosterorg o LEFT JOIN messenger_logs_school s ON s.id = o.school_id
WHERE o.kind = 'school' AND o.left_at IS NULL AND s.name IS DISTINCT FROM o.name ORDER BY o.name
"""

# The primary organization first, then the first one that is named.
STUDENTS = """
CREATE TEMP TABLE student ON COMMIT DROP AS
SELECT DISTINCT ON (p.sourced_id) p.sourced_id, p.number, o.school_id
FROM staged_people p
JOIN staged_roles r ON r.person = p.sourced_id AND r.role = 'student'
JOIN roster_rosterorg o ON o.sourced_id = r.org AND o.school_id IS NOT NULL
WHERE NOT p.gone AND p.number <> ''
ORDER BY p.sourced_id, (r.org = p.primary_org) DESC, r.rank, r.org;
CREATE UNIQUE INDEX ON student (sourced_id);
ANALYZE student;
"""
STUDENTS_LEAVING = """
DELETE FROM messenger_logs_studentschool o
WHERE NOT EXISTS (SELECT FROM student s WHERE s.sourced_id = o.sourced_id)
    AND (EXISTS (SELECT FROM staged_people p WHERE p.sourced_id = o.sourced_id)
        OR %(complete)s AND NOT EXISTS (
            SELECT FROM staged_bad b WHERE b.sourced_id = o.sourced_id AND b.part IN ('people', 'roles')))
RETURNING o.number AS label, '' AS what
"""
STUDENTS_CHANGED = """
UPDATE messenger_logs_studentschool o SET number = s.number, school_id = s.school_id FROM student s
WHERE s.sourced_id = o.sourced_id AND (o.number, o.school_id) IS DISTINCT FROM (s.number, s.school_id)
RETURNING o.number AS label, (SELECT name FROM messenger_logs_school WHERE id = o.school_id) AS what
"""
STUDENTS_NEW = """
INSERT INTO messenger_logs_studentschool (sourced_id, number, school_id)
SELECT s.sourced_id, s.number, s.school_id FROM student s
WHERE NOT EXISTS (SELECT FROM messenger_logs_studentschool o WHERE o.sourced_id = s.sourced_id)
RETURNING number AS label, (SELECT name FROM messenger_logs_school WHERE id = school_id) AS what
"""
STUDENTS_WITHOUT_NUMBER = """
SELECT count(*) FROM staged_people p WHERE NOT p.gone AND p.number = ''
    AND EXISTS (SELECT FROM staged_roles r WHERE r.person = p.sourced_id AND r.role = 'student')
"""

# Two people of the roster may have one e-mail address or one username; the first of them has it here.
STAFF = """
CREATE TEMP TABLE staff ON COMMIT DROP AS
SELECT p.*, a.id AS account_id, a.user_id, a.made,
    row_number() OVER (PARTITION BY p.email ORDER BY a.id IS NULL, p.sourced_id) AS by_email,
    row_number() OVER (PARTITION BY lower(p.username) ORDER BY a.id IS NULL, p.sourced_id) AS by_username
FROM staged_people p LEFT JOIN roster_rosteraccount a USING (sourced_id)
WHERE NOT p.gone AND p.enabled AND EXISTS (
    SELECT FROM staged_roles r JOIN staged_groups g ON g.role = r.role WHERE r.person = p.sourced_id);
CREATE UNIQUE INDEX ON staff (sourced_id);
ANALYZE staff;
"""
# Only a superuser closes, changes or hands over the account of a superuser.
LEAVERS = """
CREATE TEMP TABLE leaver ON COMMIT DROP AS
SELECT a.id AS account_id, a.user_id FROM roster_rosteraccount a JOIN accounts_user u ON u.id = a.user_id
WHERE u.is_active AND NOT u.is_superuser AND lower(u.username) <> lower(%(break_glass)s) AND a.closed_at IS NULL
    AND NOT EXISTS (SELECT FROM staff s WHERE s.sourced_id = a.sourced_id)
    AND (EXISTS (SELECT FROM staged_people p WHERE p.sourced_id = a.sourced_id)
        OR %(complete)s AND NOT EXISTS (
            SELECT FROM staged_bad b WHERE b.sourced_id = a.sourced_id AND b.part IN ('people', 'roles')))
"""
# An account that no other person of the roster has. A person whose sourcedId is another one by now keeps the account.
CLAIMS = """
CREATE TEMP TABLE claim ON COMMIT DROP AS
SELECT s.sourced_id, u.id AS user_id, a.id AS account_id
FROM staff s JOIN accounts_user u ON u.email <> '' AND lower(u.email) = s.email
LEFT JOIN roster_rosteraccount a ON a.user_id = u.id
WHERE s.account_id IS NULL AND s.by_email = 1 AND NOT u.is_superuser AND lower(u.username) <> lower(%(break_glass)s)
    AND (a.id IS NULL OR a.id IN (SELECT account_id FROM leaver)
        OR a.closed_at IS NOT NULL AND NOT EXISTS (SELECT FROM staff o WHERE o.account_id = a.id))
"""
CLAIMED = """
WITH found_again AS (
    UPDATE roster_rosteraccount a SET sourced_id = c.sourced_id FROM claim c WHERE a.id = c.account_id RETURNING a.id
), stays AS (
    DELETE FROM leaver l USING claim c WHERE l.account_id = c.account_id
), found AS (
    INSERT INTO roster_rosteraccount (sourced_id, user_id, made)
    SELECT sourced_id, user_id, false FROM claim WHERE account_id IS NULL
)
SELECT u.username, CASE WHEN u.is_active OR c.account_id IS NOT NULL THEN 'found by its e-mail address'
    ELSE 'found by its e-mail address; an administrator closed it, and it stays closed' END
FROM claim c JOIN accounts_user u ON u.id = c.user_id ORDER BY 1
"""
KNOW_ACCOUNTS = """
UPDATE staff s SET account_id = a.id, user_id = a.user_id, made = a.made FROM roster_rosteraccount a
WHERE a.sourced_id = s.sourced_id AND s.account_id IS NULL
"""
REOPENED = """
WITH back AS (
    UPDATE roster_rosteraccount a SET closed_at = NULL FROM staff s
    WHERE s.sourced_id = a.sourced_id AND a.closed_at IS NOT NULL RETURNING a.user_id
)
UPDATE accounts_user u SET is_active = true FROM back WHERE back.user_id = u.id RETURNING u.username, 'is back'
"""
# A person signs in with the username or with the e-mail address, so neither may be one of another account.
NAMES = """
DROP TABLE IF EXISTS pg_temp.taken;
CREATE TEMP TABLE taken ON COMMIT DROP AS
SELECT lower(username) AS name, id AS user_id FROM accounts_user
UNION SELECT lower(email), id FROM accounts_user WHERE email <> '';
CREATE INDEX ON taken (name);
ANALYZE taken;
"""
_FREE = "NOT EXISTS (SELECT FROM taken t WHERE t.name = lower(s.{0}) AND t.user_id IS DISTINCT FROM s.user_id)"
# Of an account that the roster only found, an administrator keeps name and address.
RENAMED = f"""
UPDATE accounts_user u SET first_name = w.first_name, last_name = w.last_name,
    email = coalesce(w.email, u.email), username = coalesce(w.username, u.username)
FROM (
    SELECT s.user_id, s.first_name, s.last_name,
        CASE WHEN s.email <> '' AND s.by_email = 1 AND {_FREE.format("email")} THEN s.email END AS email,
        CASE WHEN s.username <> '' AND s.by_username = 1 AND {_FREE.format("username")} THEN s.username END AS username
    FROM staff s WHERE s.made
) w
WHERE u.id = w.user_id AND NOT u.is_superuser AND (u.first_name, u.last_name, u.email, u.username)
    IS DISTINCT FROM (w.first_name, w.last_name, coalesce(w.email, u.email), coalesce(w.username, u.username))
RETURNING u.username, 'name, username or e-mail address'
"""
WITHOUT_ACCOUNT = f"""
SELECT s.sourced_id, s.username, s.email, s.first_name, s.last_name, CASE
    WHEN EXISTS (SELECT FROM accounts_user u WHERE u.is_superuser AND u.email <> '' AND lower(u.email) = s.email)
        THEN 'is a superuser, whose account the roster leaves alone'
    WHEN s.username = '' THEN 'has no username and no e-mail address to sign in with'
    WHEN s.email <> '' AND s.by_email > 1 THEN 'has the e-mail address of another person of the roster'
    WHEN s.by_username > 1 THEN 'has the username of another person of the roster'
    WHEN s.email <> '' AND NOT {_FREE.format("email")} THEN 'has the e-mail address of another account'
    WHEN NOT {_FREE.format("username")}
        THEN 'has the username of another account: if that is theirs, give it their e-mail address'
    ELSE '' END
FROM staff s WHERE s.account_id IS NULL ORDER BY s.sourced_id
"""
LEAVING = """
SELECT l.user_id, u.username FROM leaver l JOIN accounts_user u ON u.id = l.user_id
WHERE l.user_id <> ALL(%(spared)s) ORDER BY 2
"""

WANTED_GROUPS = """
CREATE TEMP TABLE wanted_group ON COMMIT DROP AS
SELECT DISTINCT s.account_id, s.user_id, g.group_id
FROM staff s JOIN staged_roles r ON r.person = s.sourced_id JOIN staged_groups g ON g.role = r.role
WHERE s.user_id IS NOT NULL AND g.group_id IS NOT NULL;
"""
# The schools that a person's roles name. If they name none, but a district or another organization above schools, the
# person has the schools below: many rosters name the district beside the school of a teacher.
WANTED_SCHOOLS = """
CREATE TEMP TABLE wanted_school ON COMMIT DROP AS
WITH RECURSIVE place AS (
    SELECT DISTINCT s.account_id, s.user_id, r.org
    FROM staff s JOIN staged_roles r ON r.person = s.sourced_id JOIN staged_groups g ON g.role = r.role
    WHERE s.user_id IS NOT NULL AND r.org <> ''
), direct AS (
    SELECT DISTINCT p.account_id, p.user_id, o.school_id
    FROM place p JOIN roster_rosterorg o ON o.sourced_id = p.org WHERE o.school_id IS NOT NULL
), above AS (
    SELECT p.* FROM place p WHERE NOT EXISTS (SELECT FROM direct d WHERE d.user_id = p.user_id)
), below(top, org) AS (
    SELECT DISTINCT org, org FROM above
    UNION SELECT b.top, o.sourced_id FROM below b JOIN roster_rosterorg o ON o.parent = b.org AND o.left_at IS NULL
)
SELECT * FROM direct
UNION SELECT a.account_id, a.user_id, o.school_id
FROM above a JOIN below b ON b.top = a.org JOIN roster_rosterorg o ON o.sourced_id = b.org
WHERE o.school_id IS NOT NULL;
"""


def given(what: str, names: str) -> str:
    """Give what is wanted: groups or schools; ``names`` is the table that has their names."""
    return f"""
    WITH given AS (
        INSERT INTO accounts_user_{what}s (user_id, {what}_id) SELECT w.user_id, w.{what}_id FROM wanted_{what} w
        WHERE NOT EXISTS (
            SELECT FROM accounts_user_{what}s o WHERE o.user_id = w.user_id AND o.{what}_id = w.{what}_id)
        ON CONFLICT DO NOTHING RETURNING user_id, {what}_id
    ), noted AS (
        INSERT INTO roster_given{what} (account_id, {what}_id)
        SELECT w.account_id, w.{what}_id FROM given JOIN wanted_{what} w USING (user_id, {what}_id)
        ON CONFLICT DO NOTHING
    )
    SELECT u.username, n.name FROM given JOIN accounts_user u ON u.id = given.user_id
    JOIN {names} n ON n.id = given.{what}_id ORDER BY 1, 2
    """


def taken_back(what: str, names: str) -> str:
    """Take back what the roster gave and does not say any more."""
    return f"""
    WITH dropped AS (
        DELETE FROM roster_given{what} o USING staff s
        WHERE o.account_id = s.account_id AND s.user_id <> ALL(%(spared)s) AND NOT EXISTS (
            SELECT FROM wanted_{what} w WHERE w.account_id = o.account_id AND w.{what}_id = o.{what}_id)
        RETURNING s.user_id, o.{what}_id
    ), taken_back AS (
        DELETE FROM accounts_user_{what}s o USING dropped d
        WHERE o.user_id = d.user_id AND o.{what}_id = d.{what}_id
    )
    SELECT u.username, n.name FROM dropped JOIN accounts_user u ON u.id = dropped.user_id
    JOIN {names} n ON n.id = dropped.{what}_id ORDER BY 1, 2
    """


BEFORE = """
SELECT (SELECT count(*) FROM roster_rosterorg WHERE left_at IS NULL),
    (SELECT count(*) FROM roster_rosterterm WHERE left_at IS NULL),
    (SELECT count(*) FROM messenger_logs_studentschool),
    (SELECT count(*) FROM roster_rosteraccount a JOIN accounts_user u ON u.id = a.user_id
        WHERE a.closed_at IS NULL AND u.is_active),
    (SELECT count(*) FROM roster_givengroup), (SELECT count(*) FROM roster_givenschool)
"""
