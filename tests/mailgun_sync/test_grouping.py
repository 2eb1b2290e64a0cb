"""What differs from e-mail to e-mail goes from a provider's explanation, and what explains stays."""

from __future__ import annotations

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples

pytestmark = pytest.mark.django_db

# Answers of mail servers as Mailgun passes them on, with made-up addresses.
REASONS = {
    "": "",
    "smtp; 550-5.1.1 The email account that you tried to reach does not exist.": (
        "The email account that you tried to reach does not exist."
    ),
    "5.1.1 The email account that you tried to reach does not exist. Please try\n"
    "5.1.1 double-checking the recipient's email address for typos or\n"
    "5.1.1 unnecessary spaces. For more information, go to\n"
    "5.1.1  https://support.google.com/mail/?p=NoSuchUser d9443c01a7336-1fd7b5a3a3asi461959ad.123 - gsmtp": (
        "The email account that you tried to reach does not exist. Please try double-checking the recipient's email"
        " address for typos or unnecessary spaces. For more information, go to"
    ),
    "4.7.652 The mail server [192.0.2.7] has exceeded the maximum number of connections.": (
        "The mail server has exceeded the maximum number of connections."
    ),
    "4.7.652 The mail server [xxx.xxx.xxx.xxx] has exceeded the maximum number of connections.": (
        "The mail server has exceeded the maximum number of connections."
    ),
    "Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized"
    " recipients in Account Settings.": (
        "Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized"
        " recipients in Account Settings."
    ),
    "No MX for [example.com]": "No MX for",
    "No MX for nomx.example.com": "No MX for",
    "Recipient address rejected: Greylisted": "Recipient address rejected: Greylisted",
    "Turret client: server connection failed": "Turret client: server connection failed",
    "Not delivering to previously bounced address": "Not delivering to previously bounced address",
    "smtp; 550 5.1.1 The account was closed": "The account was closed",
    "5.1.1 <mai.vang@example.org>: nobody here has this address": "nobody here has this address",
    "452 4.2.2 The mailbox is full": "The mailbox is full",
    "5.2.2 This mailbox is full and cannot take more mail": "This mailbox is full and cannot take more mail",
    "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)."
    " [HE1EUR01FT020.eop-EUR01.prod.protection.outlook.com 2023-09-19T15:05:34.324Z 08DBB71928CA8F8E]": (
        "Requested action not taken: mailbox unavailable."
    ),
    "<mai@example.com>: host example-com.mail.protection.outlook.com[52.101.40.6] said: 550 5.4.1 Recipient address"
    " rejected: Access denied. [CY4PEPF0000EE3C.namprd03.prod.outlook.com 2023-09-18T12:48:32.808Z 08DBB45899852BA7]"
    " (in reply to RCPT TO command)": "Recipient address rejected: Access denied. (in reply to RCPT TO command)",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient mai.vang@example.com not found by SMTP address lookup": (
        "RESOLVER.ADR.RecipientNotFound; Recipient … not found by SMTP address lookup"
    ),
    "421 4.7.0 [TSS04] Messages from 192.0.2.7 temporarily deferred due to unexpected volume or user complaints -"
    " 4.16.55.1; see https://postmaster.yahooinc.com/error-codes": (
        "Messages from … temporarily deferred due to unexpected volume or user complaints - …; see"
    ),
    "552 1 Requested mail action aborted, mailbox not found": "Requested mail action aborted, mailbox not found",
    "554 30 Sorry, your message to paj@example.com cannot be delivered. This mailbox is disabled (554.30).": (
        "Sorry, your message to … cannot be delivered. This mailbox is disabled."
    ),
    "550 5.7.1 Unfortunately, messages from [192.0.2.25] weren't sent. Please contact your Internet service provider"
    " since part of their network is on our block list (S3140).": (
        "Unfortunately, messages from weren't sent. Please contact your Internet service provider since part of their"
        " network is on our block list."
    ),
    "450 4.2.0 <tou@example.org>: Recipient address rejected: Greylisted, see"
    " http://postgrey.schweikert.ch/help/example.org.html": "Recipient address rejected: Greylisted, see",
    "Greylisted, please try again in 300 seconds": "Greylisted, please try again in … seconds",
    "451 4.3.0 Message held until Fri, 20 Nov 2026 10:31:07 +0000 (queue 4F2Kd91Zl3z9sX)": "Message held until",
    "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [qDkTzAbCOmPtGqZabcDEFg.us430]": (
        "Invalid Recipient"
    ),
    "550 No such user": "No such user",
    "does not exist.Please check": "does not exist.Please check",
    "メールボックスがありません": "メールボックスがありません",
    "5.1.1": "5.1.1",
    "smtp; 550": "550",
    "<mai.vang@example.org>": "",
}


def in_sql(function: str, text: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [text])
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(("text", "reason"), REASONS.items(), ids=range(len(REASONS)))
def test_a_reason_is_the_text_without_what_differs(text: str, reason: str) -> None:
    assert in_sql("mailgun_reason", text) == reason


# Explanations with a place for each thing that differs from e-mail to e-mail.
TEMPLATES = [
    "550 5.1.1 <{address}>: Recipient address rejected: User unknown",
    "smtp; 554 5.7.1 Service unavailable; Client host [{ip}] blocked, {link}",
    "550 5.5.0 mailbox unavailable [{host} {time} {id}]",
    "{code} The user {address} is over quota ({number} of {number} MB)",
    "host {host}[{ip}] said: {code} too many messages from {ip}, try again after {time}",
    "Message {id} queued at {time} by {host} was refused",
]
hex_ids = st.integers(0x10000000, 0xFFFFFFFFFFFF).map(lambda number: f"{number:X}A1")
local_parts = st.from_regex(r"[a-z]{1,8}([._+-][a-z0-9]{1,5})?", fullmatch=True)
hosts = st.builds(lambda a, b: f"{a}.{b}.example.com", *[st.from_regex(r"[a-z][a-z0-9]{1,6}", fullmatch=True)] * 2)
things = st.fixed_dictionaries(
    {
        "address": st.builds(lambda local, host: f"{local}@{host}", local_parts, hosts),
        "host": hosts,
        "ip": st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6, network="2001:db8::/32").map(str)),
        "link": st.builds(lambda host, id: f"https://{host}/why?id={id}", hosts, hex_ids),
        "id": hex_ids,
        "number": st.integers(1, 99_999),
        "time": st.one_of(
            st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z"),
            st.datetimes().map(lambda moment: f"{moment:%a, %d %b} 2026 {moment:%H:%M:%S} +0000"),
            st.datetimes().map(lambda moment: f"{moment:%H:%M:%S}"),
        ),
        "code": st.sampled_from(["452 4.2.2", "552 5.2.2", "452-4.2.2", "550", "5.2.2"]),
    }
)


@pytest.mark.slow
@examples(40)
@given(template=st.sampled_from(TEMPLATES), one=things, other=things)
def test_equal_causes_are_equal_reasons(template: str, one: dict[str, object], other: dict[str, object]) -> None:
    reason = in_sql("mailgun_reason", template.format(**one))

    assert reason == in_sql("mailgun_reason", template.format(**other))
    assert reason == in_sql("mailgun_reason", reason), "a reason is its own reason"
    assert not set(reason) & set("0123456789@")


@examples(40)
@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=300))
def test_any_text_has_a_short_reason_without_an_address(text: str) -> None:
    reason = in_sql("mailgun_reason", f"{text} mai@example.com 0815")

    assert len(reason) <= 200
    assert "mai@example.com" not in reason


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("mai@gmail.com", "Google"),
        ("MAI@GoogleMail.COM", "Google"),
        ("mai@outlook.com", "Microsoft"),
        ("mai@hotmail.co.uk", "Microsoft"),
        ("mai@live.fr", "Microsoft"),
        ("mai@msn.com", "Microsoft"),
        ("mai@yahoo.com", "Yahoo"),
        ("mai@yahoo.com.mx", "Yahoo"),
        ("mai@aol.com", "Yahoo"),
        ("mai@icloud.com", "Apple"),
        ("mai@me.com", "Apple"),
        ("mai@mac.com", "Apple"),
        ("Vang, Mai <mai@icloud.com>", "Apple"),
        ("mai@notgmail.com", "notgmail.com"),
        ("mai@gmail.com.example.org", "gmail.com.example.org"),
        ("mai@harrison.k12.mn.example", "harrison.k12.mn.example"),
        ("mai@XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ('"a@b"@example.com', "example.com"),
        ("nobody", ""),
        ("", ""),
        (f"mai@{'x' * 300}.example", "x" * 100),
    ],
)
def test_a_mailbox_provider_has_its_domains(address: str, provider: str) -> None:
    assert in_sql("mailbox_provider", address) == provider
