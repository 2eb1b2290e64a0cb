-- A parent of two students gets many messages for each of them.
INSERT INTO messenger_logs_recipient (
    message_id, person_id, name, language, student_number, student_name, student_school_id, merge_fields, counted)
SELECT m.id, p.person_id, p.name, p.language, s.number, s.name, s.school_id,
    jsonb_build_object('student.firstName', s.given, 'student.lastName', p.family), s.k = 0
FROM demo_message AS m
CROSS JOIN generate_series(0, m.size - 1) AS slot
-- A message of the whole district goes to families of all its schools: to each so-manieth, with both parents. Those of
-- the story go to the first parent of each.
JOIN demo_person AS p ON p.n = (m.start
    + CASE WHEN m.first_alone THEN slot * ({people} / 2) / m.size * 2
        WHEN m.school_id IS NULL THEN slot / 2 * ({people} / 2) / ((m.size + 1) / 2) * 2 + slot %% 2 ELSE slot END
) %% {people} AND (m.language = '' OR p.language = m.language)
JOIN demo_student AS s ON s.h = p.h AND (s.k = 0 OR pg_temp.pick(m.n * 1000003::bigint + p.n, 61, 5) = 0)
ORDER BY m.id, slot, s.k;
ANALYZE messenger_logs_recipient;
