-- A parent of two students gets many messages for each of them.
INSERT INTO messenger_logs_recipient (
    message_id, person_id, name, student_number, student_name, merge_fields, counted)
SELECT m.id, p.person_id, p.name, s.number, s.name,
    jsonb_build_object('student.firstName', s.given, 'student.lastName', p.family), s.k = 0
FROM demo_message AS m
CROSS JOIN generate_series(0, m.size - 1) AS slot
JOIN demo_person AS p ON p.n = (m.start + slot) %% {people}
JOIN demo_student AS s ON s.h = p.h AND (s.k = 0 OR pg_temp.pick(m.n * 1000003::bigint + p.n, 61, 5) = 0)
ORDER BY m.n, slot, s.k;
ANALYZE messenger_logs_recipient;
