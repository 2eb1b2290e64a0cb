-- Chance that is the same for a seed: a number from 0 to n - 1 that follows from the key alone.
CREATE OR REPLACE FUNCTION pg_temp.pick(key bigint, salt integer, n bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT ((hashint8extended(key, salt + {seed}::bigint * 1000) & 2147483647) %% n)::integer $$;
CREATE OR REPLACE FUNCTION pg_temp.pick(key text, salt integer, n bigint) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$ SELECT ((hashtextextended(key, salt + {seed}::bigint * 1000) & 2147483647) %% n)::integer $$;

INSERT INTO messenger_logs_school (name) SELECT unnest({schools}) ON CONFLICT (name) DO NOTHING;
-- The families of a school are neighbors: their numbers follow each other.
CREATE TEMP TABLE demo_school ON COMMIT DROP AS
SELECT school.id, share.i, share.name, {households} * (upto - percent) / 100 AS low, {households} * upto / 100 AS high
FROM (
    SELECT name, percent, i, sum(percent) OVER (ORDER BY i) AS upto
    FROM unnest({schools}, {percents}) WITH ORDINALITY AS share (name, percent, i)
) AS share
JOIN messenger_logs_school AS school USING (name);

-- Two people share a household: its family name, its landline, its students, now and then an address.
CREATE TEMP TABLE demo_household ON COMMIT DROP AS
SELECT h, c.id AS community, c.givens, c.language, f.shown AS family, f.letters AS family_letters,
    1 + (pg_temp.pick(h, 3, 3) = 0)::integer AS students,
    CASE WHEN pg_temp.pick(h, 4, 10) < 6 AND pg_temp.pick(h, 22, 20) > 0 THEN '+1' || {landline} || (5550000 + h) END AS landline,
    -- No device reaches one family in twenty: it has none, or what it has is wrong.
    pg_temp.pick(h, 22, 20) = 0 AS hopeless,
    -- What one in twelve had was wrong until the first drill showed it.
    pg_temp.pick(h, 25, 12) = 0 AS mended
FROM generate_series(0, {households} - 1) AS h
JOIN demo_community AS c ON pg_temp.pick(h, 1, 100) BETWEEN c.low AND c.high
JOIN demo_name AS f ON f.community = c.id AND f.kind = 'family' AND f.i = pg_temp.pick(h, 2, c.families);

CREATE TEMP TABLE demo_person ON COMMIT DROP AS
SELECT person.n, h.h, (200001 + person.n)::text AS person_id, h.family || ', ' || g.shown AS name, h.students,
    -- Of a few families nobody noted the language.
    CASE WHEN pg_temp.pick(h.h, 23, 30) > 0 THEN h.language ELSE '' END AS language,
    h.family, h.landline, h.hopeless, h.mended,
    CASE WHEN pg_temp.pick(person.n, 11, 100) < 92 AND NOT h.hopeless THEN (200001 + person.n)::text ELSE '' END AS inbox,
    CASE
        WHEN h.hopeless AND h.h %% 2 = 0 OR pg_temp.pick(person.n, 12, 100) < 4 THEN ''
        ELSE g.letters || '.' || h.family_letters || own.n || '@'
            || ({domains})[1 + pg_temp.pick(own.n, 13, {domain_count})]
    END AS email,
    CASE
        WHEN h.hopeless AND h.h %% 2 = 0 OR pg_temp.pick(person.n, 14, 100) < 5 THEN ''
        ELSE '+1' || ({areas})[1 + cell.n %% {area_count}] || (5550000 + cell.n / {area_count})
            || CASE WHEN pg_temp.pick(person.n, 15, 150) = 0 THEN ';ext=' || 10 + person.n %% 80 ELSE '' END
    END AS cell,
    CASE WHEN pg_temp.pick(cell.n, 16, 100) < 3
        THEN {now} - interval '1 hour' * (20 + pg_temp.pick(cell.n, 27, 7000)) END AS opted_out_at
FROM generate_series(0, {people} - 1) AS person(n)
JOIN demo_household AS h ON h.h = person.n / 2
-- The second of two may share the address or the number of the first.
CROSS JOIN LATERAL (SELECT person.n - (person.n %% 2 = 1 AND pg_temp.pick(person.n, 17, 12) = 0)::integer AS n) AS own
CROSS JOIN LATERAL (SELECT person.n - (person.n %% 2 = 1 AND pg_temp.pick(person.n, 18, 15) = 0)::integer AS n) AS cell
JOIN demo_name AS g
    ON g.community = h.community AND g.kind = 'given' AND g.i = pg_temp.pick(own.n, 19, h.givens)
-- Three families in ten have one parent.
WHERE person.n %% 2 = 0 OR pg_temp.pick(h.h, 26, 10) > 2;

-- The students of a family go to one school.
CREATE TEMP TABLE demo_student ON COMMIT DROP AS
SELECT h.h, k, school.id AS school_id, (300001 + h.h * 2 + k)::text AS number, h.family || ', ' || g.shown AS name, g.shown AS given
FROM demo_household AS h
JOIN demo_school AS school ON h.h >= school.low AND h.h < school.high
CROSS JOIN generate_series(0, h.students - 1) AS k
JOIN demo_name AS g
    ON g.community = h.community AND g.kind = 'given' AND g.i = pg_temp.pick(h.h * 2 + k, 20, h.givens);

ANALYZE demo_household, demo_person, demo_student;

INSERT INTO messenger_logs_textconsent (number, opted_out, said_at)
SELECT cell, true, min(opted_out_at)
FROM demo_person WHERE opted_out_at IS NOT NULL AND cell <> '' AND cell NOT LIKE '%%;%%'
GROUP BY cell
ON CONFLICT (number) DO NOTHING;
