"""Events in the forms that Mailgun's documentation and recordings of other people show, with their traps."""

SUPPRESSED = (
    '{"event": "failed", "id": "pl271FzxTTmGRW8Uj3dUWw", "timestamp": 1529701969.818328, "severity": "permanent", '
    '"reason": "suppress-bounce", "delivery-status": {"attempt-no": 1, "message": "", "code": 605, "description": '
    '"Not delivering to previously bounced address", "session-seconds": 0.0}, "message": {"headers": {"to": '
    '"joan@example.com", "message-id": "20180622211249.1.2A6098970A380E12@example.org", "subject": "Test Subject"}}, '
    '"recipient": "joan@example.com", "user-variables": {}}'
)
DELAYED_BOUNCE = (
    '{"severity": "permanent", "timestamp": 1666214138.4046676, "delivery-status": {"bounce-code": "5.1.1", "message": '
    '"smtp; 550-5.1.1 The account does not exist.", "code": "5.1.1"}, "id": "ZDMqRgjLTDi6rQcy7K60aA", '
    '"reason": "generic", "flags": {"is-delayed-bounce": true}, "envelope": {}, "event": "failed", '
    '"recipient": "test@example.com"}'
)
OPENED = (
    '{"event": "opened", "id": "-laxIqj9QWubsjY_3pTq_g", "timestamp": 1377047343.042277, "recipient": '
    '"recipient@example.com", "message": {"headers": {"message-id": "20130821005614.19826.35976@samples.example"}}}'
)
REJECTED = (
    '{"event": "rejected", "id": "OMTXD3-sSmKIQa1gSKkYVA", "timestamp": 1529704976.104692, "reject": {"reason": '
    '"Sandbox subdomains are for test purposes only.", "description": ""}, "message": {"headers": {"to": '
    '"joan@example.org", "message-id": "20180622220256.1.B31A451A2E5422BB@example.org", "subject": "Test Subject"}}}'
)
LIST_MEMBER = (
    '{"mailing-list": {"address": "list@example.com"}, "timestamp": 1555439198.84909, "id": "2342sd234asDSDsdfsd", '
    '"member": {"name": "", "subscribed": true, "address": "user@example.com"}, "event": "list_member_uploaded"}'
)
STORED = (
    '{"event": "stored", "id": "WRVmVc47QYi4DHth_xpRUA", "timestamp": 1529692198.691758, "message": {"headers": {"to": '
    '"team@example.org", "message-id": "20180622182958.1.48906CB188F1A454@example.org"}, "recipients": '
    '["team@example.org"]}, "user-variables": {}}'
)
WITHOUT_TIMESTAMP = '{"id": "evt-1", "event": "delivered"}'
NULL_PARTS = (
    '{"event": "failed", "id": "nulls", "timestamp": 1700000000.5, "recipient": null, "message": null, '
    '"severity": null, "reason": null, "delivery-status": null, "reject": null, '
    '"user-variables": null, "flags": null, "tags": null}'
)
NUL_AND_SURROGATES = (
    '{"event": "delivered", "id": "nul", "timestamp": 1700000001.25, "recipient": "a\\u0000b@example.com", '
    '"message": {"headers": {"subject": "half \\ud83d, whole \\ud83d\\ude00, written \\\\u0000"}}}'
)
READABLE = [SUPPRESSED, DELAYED_BOUNCE, OPENED, REJECTED, LIST_MEMBER, STORED, NULL_PARTS, NUL_AND_SURROGATES]
