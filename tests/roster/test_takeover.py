"""What a roster makes of schools, terms, students, and the accounts of the staff."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from knox.models import AuthToken

from accounts.models import AuditEvent, User
from accounts.services import issue_token
from messenger_logs.models import School, StudentSchool
from roster.choices import Change, Kind, RunStatus
from roster.models import GivenGroup, GivenSchool, RosterAccount, RosterOrg, RosterRun, RosterTerm
from tests.roster.files import ORGS, TERMS, district, manifest, people, person

pytestmark = pytest.mark.django_db

TABLES = [RosterOrg, RosterTerm, RosterAccount, GivenGroup, GivenSchool, School, StudentSchool, User]


def numbers(run: RosterRun) -> dict[str, tuple[int, int, int]]:
    """For each kind that changed: how many are new, changed, leaving."""
    counts = {kind: tuple(kinds[change] for change in Change.values) for kind, kinds in run.difference.items()}
    return {kind: numbers for kind, numbers in counts.items() if any(numbers)}


def everything() -> list[list[tuple[object, ...]]]:
    """Each row that a roster writes, and the versions of the rows."""
    return [list(model.objects.extra(select={"xmin": "xmin::text"}).order_by("pk").values_list()) for model in TABLES]


def schools_of(username: str) -> list[str]:
    return sorted(User.objects.get(username=username).schools.values_list("name", flat=True))


def groups_of(username: str) -> list[str]:
    return sorted(User.objects.get(username=username).groups.values_list("name", flat=True))


def without(*sourced_ids: str) -> list[dict[str, str]]:
    return [row for row in people() if row["sourcedId"] not in sourced_ids]


def test_a_roster_makes_schools_terms_accounts_and_schools_of_students(roster):
    run = roster()

    assert (run.status, run.error, run.problems) == (RunStatus.DONE, "", [])
    assert numbers(run) == {
        "orgs": (3, 0, 0),
        "terms": (1, 0, 0),
        "students": (2, 0, 0),
        "accounts": (3, 0, 0),
        "groups": (2, 0, 0),
        "schools": (4, 0, 0),
    }
    assert list(School.objects.values_list("name", flat=True)) == ["Harrison High", "Oak Elementary"]
    assert RosterTerm.objects.get().school_year == "2027"
    students = dict(StudentSchool.objects.values_list("number", "school__name"))
    assert students == {"n-lia": "Harrison High", "n-bao": "Oak Elementary"}, "the first school counts"
    assert groups_of("pam") == ["Principals"]
    assert groups_of("tom") == [], "the role gives only an account"
    assert schools_of("pam") == ["Harrison High"], "a district beside a school says nothing"
    assert schools_of("sue") == ["Harrison High", "Oak Elementary"], "the district alone means the schools below it"
    pam = User.objects.get(username="pam")
    assert (pam.first_name, pam.last_name, pam.email) == ("Pam", "Vang", "pam@harrison.example")
    assert not pam.has_usable_password()


def test_a_second_run_changes_nothing(roster):
    roster()
    before = everything()
    assert numbers(roster()) == {}
    assert everything() == before


def test_a_check_shows_the_same_difference_and_changes_nothing(roster):
    before = everything()
    checked = roster(check=True)
    assert checked.status == RunStatus.DONE
    assert everything() == before
    assert roster().difference == checked.difference


def test_every_change_of_an_account_is_in_the_audit_trail(roster):
    run = roster()
    made = AuditEvent.objects.get(action="account.created", target="pam").details
    assert made == {"what": "Vang, Pam", "groups_given": ["Principals"], "schools_given": ["Harrison High"]}
    taken_over = AuditEvent.objects.get(action="roster.taken_over").details
    assert taken_over["run"] == run.pk
    assert taken_over["difference"]["accounts"] == {"new": 3, "changed": 0, "leaving": 0}


# Accounts


def test_a_person_with_an_account_never_gets_a_second_one(roster, make_user):
    pam = make_user(username="pvang", email="pam@harrison.example", first_name="Pamela", groups=["Counselors"])
    run = roster()
    assert numbers(run)["accounts"] == (2, 1, 0)
    pam.refresh_from_db()
    assert (pam.username, pam.first_name) == ("pvang", "Pamela"), "an administrator made it, and keeps its name"
    assert groups_of("pvang") == ["Counselors", "Principals"]
    assert not RosterAccount.objects.get(user=pam).made
    assert numbers(roster()) == {}


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ({"username": "PAM"}, "has the username of another account"),
        ({"username": "pam@harrison.example", "email": "other@harrison.example"}, "e-mail address of another account"),
        ({"username": "other", "email": "pam"}, "has the username of another account"),
    ],
)
def test_a_name_that_another_account_has_makes_no_account(roster, account, reason):
    User.objects.create_user(**account)
    run = roster()
    assert [where for where, what in run.problems if reason in what] == ["users, pam"]
    assert numbers(run)["accounts"] == (2, 0, 0), "the others get theirs"
    assert RosterAccount.objects.filter(sourced_id="pam").count() == 0


def test_two_people_of_the_roster_with_one_address_are_one_account(roster):
    twice = [*people(), person("pam2", "administrator", "oak", email="PAM@harrison.example")]
    run = roster(district(twice))
    assert User.objects.filter(email="pam@harrison.example").count() == 1
    reason = "has the e-mail address of another person of the roster; no account is made"
    assert run.problems == [["users, pam2", reason]]
    assert numbers(roster(district(twice))) == {}


def test_a_changed_name_and_address_come_to_the_account_that_the_roster_made(roster):
    roster()
    now = person("pam", "administrator", "high", familyName="Lee", email="pam.lee@harrison.example")
    changed = [*without("pam"), now]
    assert numbers(roster(district(changed)))["accounts"] == (0, 1, 0)
    pam = User.objects.get(username="pam")
    assert (pam.last_name, pam.email) == ("Lee", "pam.lee@harrison.example")


def test_an_address_that_another_account_has_does_not_come(roster, make_user):
    roster()
    make_user(username="other", email="new@harrison.example")
    changed = [*without("pam"), person("pam", "administrator", "high", email="new@harrison.example")]
    roster(district(changed))
    assert User.objects.get(username="pam").email == "pam@harrison.example"


def test_a_new_sourced_id_keeps_the_account_of_the_same_address(roster, no_guard):
    roster()
    pam = User.objects.get(username="pam").pk
    run = roster(district([*without("pam"), person("77", "administrator", "high", email="pam@harrison.example")]))
    assert numbers(run)["accounts"] == (0, 2, 0), "found again, and its username follows"
    account = RosterAccount.objects.get(sourced_id="77")
    assert (account.user_id, account.made, account.closed_at, account.user.is_active) == (pam, True, None, True)


# Who leaves


@pytest.mark.slow
@pytest.mark.parametrize(
    "users",
    [
        without("tom"),
        [*without("tom"), person("tom", "teacher", "oak", status="tobedeleted")],
        [*without("tom"), {"sourcedId": "tom", "status": "ToBeDeleted"}],
        [*without("tom"), person("tom", "teacher", "oak", enabledUser="false")],
        [*without("tom"), person("tom", "guardian", "oak")],
    ],
    ids=["gone", "tombstone", "bare tombstone", "not enabled", "no staff any more"],
)
def test_the_account_of_a_leaver_is_closed_and_open_again_when_they_are_back(roster, no_guard, users):
    roster()
    tom = User.objects.get(username="tom")
    issue_token(user=tom)
    run = roster(district(users))
    tom.refresh_from_db()
    assert numbers(run)["accounts"] == (0, 0, 1)
    assert not tom.is_active
    assert not AuthToken.objects.filter(user=tom).exists()
    assert AuditEvent.objects.filter(action="account.closed", target="tom").count() == 1
    assert "accounts" not in numbers(roster(district(users)))

    assert numbers(roster())["accounts"] == (0, 1, 0)
    tom.refresh_from_db()
    assert tom.is_active
    assert AuditEvent.objects.filter(action="account.reopened", target="tom").count() == 1


def test_the_roster_opens_no_account_that_an_administrator_closed(roster, no_guard):
    roster()
    User.objects.filter(username="tom").update(is_active=False)
    for files in (district(without("tom")), district()):
        assert "accounts" not in numbers(roster(files))
    assert not User.objects.get(username="tom").is_active


def test_other_accounts_are_left_alone(roster, make_user, no_guard):
    make_user(username="ann", email="ann@harrison.example", groups=["Principals"])
    roster()
    roster(district(without("pam", "sue", "tom")))
    active = set(User.objects.filter(is_active=True).values_list("username", flat=True))
    assert active == {"ann", "boss"}


def test_the_account_of_a_superuser_is_left_alone(roster, make_user, no_guard):
    root = make_user(username="root", email="pam@harrison.example", is_superuser=True)
    run = roster()
    assert run.problems == [["users, pam", "is a superuser, whose account the roster leaves alone; no account is made"]]
    User.objects.filter(username="tom").update(is_superuser=True)
    changed = [*without("pam", "tom"), person("tom", "teacher", "oak", email="evil@harrison.example")]
    assert "accounts" not in numbers(roster(district(changed)))
    roster(district(without("pam", "tom")))
    assert User.objects.get(username="tom").is_active
    assert not RosterAccount.objects.filter(user=root).exists()


def test_the_last_administrator_stays(roster, administrator, settings, no_guard):
    settings.ROSTER_ROLE_GROUPS = ["administrator=System Administrators", "teacher="]
    files = district([*people(), person("boss", "administrator", "d", email=administrator.email)])
    roster(files)
    administrator.groups.clear()  # now only the roster gives the right
    GivenGroup.objects.all().delete()
    roster(files)
    run = roster(district(without("pam", "sue", "tom")))
    assert set(User.objects.filter(is_active=True).values_list("username", flat=True)) >= {"boss", "pam", "sue"}
    assert any("nobody could change rights" in what for _, what in run.problems)
    assert numbers(run).get("accounts") == (0, 0, 1), "tom has no such right"


def test_a_role_that_is_gone_takes_back_what_the_roster_gave_and_nothing_else(roster, no_guard):
    roster()
    pam = User.objects.get(username="pam")
    pam.groups.add(Group.objects.get(name="Counselors"))
    pam.schools.add(School.objects.get(name="Oak Elementary"))
    run = roster(district([*without("pam"), person("pam", "teacher", "oak")]))
    assert groups_of("pam") == ["Counselors"]
    assert schools_of("pam") == ["Oak Elementary"]
    assert numbers(run) == {"groups": (0, 0, 1), "schools": (0, 0, 1)}
    assert not GivenSchool.objects.filter(account__user=pam).exists(), "an administrator gave that school"


def test_nobody_without_a_school_or_district_gets_all_schools(roster):
    roster(district([person("pam", "administrator", ""), person("sue", "administrator", "no-such-org")]))
    assert schools_of("pam") == schools_of("sue") == []


def test_a_group_that_is_not_there_fails_the_run(roster, settings):
    settings.ROSTER_ROLE_GROUPS = ["teacher=Teechers"]
    run = roster()
    assert (run.status, run.error) == (
        RunStatus.FAILED,
        "ROSTER_ROLE_GROUPS names a user group that is not there: Teechers.",
    )
    assert not RosterOrg.objects.exists()


# The guard


def many(number: int) -> list[dict[str, str]]:
    return [person(f"s{at}", "student", "oak") for at in range(number)]


@pytest.mark.parametrize(("left", "status"), [(5, RunStatus.DONE), (6, RunStatus.STOPPED)])
def test_a_run_stops_when_more_than_five_percent_would_leave(roster, left, status):
    roster(district(many(100)))
    run = roster(district(many(100 - left)))
    assert run.status == status
    assert run.difference["students"]["leaving"] == left
    assert StudentSchool.objects.count() == (95 if left == 5 else 100)
    assert roster(district(many(100 - left)), check=True).status == RunStatus.DONE, "a check never stops"


@pytest.mark.slow
def test_a_person_lets_as_many_leave_as_they_have_seen_and_once(roster):
    roster(district(many(100)))
    stopped = roster(district(many(90)))
    assert roster(district(many(80)), allows=stopped).status == RunStatus.STOPPED, "they have seen ten, not twenty"
    stopped = roster(district(many(90)))
    assert roster(district(many(90)), allows=stopped).status == RunStatus.DONE
    assert StudentSchool.objects.count() == 90
    assert roster(district(many(80))).status == RunStatus.STOPPED
    asked = AuditEvent.objects.filter(action="roster.run_asked", who="boss").latest("pk")
    assert asked.details["may_leave"]["students"] == 10


def test_an_empty_file_is_stopped(roster):
    roster()
    run = roster(district(users="sourcedId,givenName,familyName,role,orgSourcedIds\r\n"))
    assert run.status == RunStatus.STOPPED
    assert User.objects.filter(is_active=True).count() == 4


# Schools


def test_a_school_of_messages_becomes_that_of_the_roster_and_takes_its_new_name(roster):
    here = School.objects.create(name="Oak Elementary")
    roster()
    assert RosterOrg.objects.get(sourced_id="oak").school == here
    renamed = [*ORGS[:2], {**ORGS[2], "name": "Oak Primary"}]
    assert numbers(roster(district(orgs=renamed))) == {"orgs": (0, 1, 0)}
    here.refresh_from_db()
    assert here.name == "Oak Primary"


def test_a_name_that_another_school_has_changes_no_school(roster):
    roster()
    School.objects.create(name="Oak Primary")
    renamed = [*ORGS[:2], {**ORGS[2], "name": "Oak Primary"}]
    for _ in range(2):
        run = roster(district(orgs=renamed))
        assert ["Oak Primary", "has a name that another school here has; that one stays as it is"] in run.problems
    assert RosterOrg.objects.get(sourced_id="oak").school.name == "Oak Elementary"


def test_a_school_that_leaves_stays_for_its_messages_and_is_found_again(roster, no_guard):
    roster()
    school = School.objects.get(name="Oak Elementary")
    run = roster(district(orgs=ORGS[:2]))
    assert numbers(run)["orgs"] == (0, 0, 1)
    assert numbers(run)["students"] == (0, 0, 1), "lia has another one"
    assert School.objects.filter(pk=school.pk).exists()
    assert schools_of("tom") == []
    roster()
    assert RosterOrg.objects.get(sourced_id="oak").school == school
    assert schools_of("tom") == ["Oak Elementary"]


def test_new_terms_stop_no_run(roster):
    roster()
    next_year = [{**TERMS[0], "sourcedId": "y28", "title": "2027-28"}]
    run = roster(district(academicSessions=next_year))
    assert (run.status, numbers(run)) == (RunStatus.DONE, {"terms": (1, 0, 1)})


# Changes alone


def test_of_changes_alone_nobody_leaves_but_by_a_tombstone(roster, no_guard):
    roster()
    parts = {"orgs": "delta", "academicSessions": "absent", "users": "delta"}
    files = {
        "manifest.csv": manifest(**parts),
        "orgs.csv": [{**ORGS[1], "status": "active"}],
        "users.csv": [person("tom", "teacher", "oak", status="tobedeleted"), person("new", "student", "high")],
    }
    assert numbers(roster(files)) == {"accounts": (0, 0, 1), "students": (1, 0, 0)}


def test_a_student_who_moves_is_at_the_other_school(roster):
    roster()
    run = roster(district([*without("bao"), person("bao", "student", "high")]))
    assert numbers(run) == {"students": (0, 1, 0)}
    assert run.difference[Kind.STUDENTS]["rows"] == [["changed", "n-bao", "Harrison High"]]
