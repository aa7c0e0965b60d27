-- A hostile little schema: skewed users, time that is shuffled within an hour, a status that comes late, a city
-- that says its country, large values, random keys, dead rows, partitions. Statistics are made by the test alone.
SELECT setseed(0.42);
CREATE SCHEMA app;
SET search_path = app;
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, email text, city text, country text, born date, flag boolean);
INSERT INTO users (name, email, city, country, born, flag)
 SELECT 'user ' || i, 'u' || i || '@example.org', 'city ' || (c), 'country ' || (c / 5), date '1950-01-01' + (random() * 20000)::int, random() < 0.1
 FROM (SELECT i, (power(random(), 2) * 100)::int AS c FROM generate_series(1, 20000) i) s;
CREATE INDEX ON users (city); CREATE INDEX ON users (lower(name));
CREATE TABLE events (id bigserial PRIMARY KEY, ts timestamptz NOT NULL, user_id int NOT NULL, kind text NOT NULL, status text, city text, country text, amount numeric(12,2), doc jsonb, note text);
INSERT INTO events (ts, user_id, kind, status, city, country, amount, doc, note)
 SELECT timestamptz '2024-01-01 00:00+00' + (i * 60 + (random() - 0.5) * 7200) * interval '1 second',
  greatest(1, (20000 * power(random(), 4))::int), 'kind_' || (power(random(), 3) * 12)::int,
  CASE WHEN i > 270000 THEN 'late' WHEN random() < 0.01 THEN 'rare' ELSE 'ok' END,
  'city ' || c, 'country ' || (c / 5), (random() * 1000)::numeric(12,2),
  jsonb_build_object('k', (random() * 100)::int, 'tag', 't' || (random() * 10)::int), repeat('n', (random() * 40)::int)
 FROM (SELECT i, (power(random(), 2) * 100)::int AS c FROM generate_series(1, 300000) i) s;
CREATE INDEX ON events (ts); CREATE INDEX ON events (user_id); CREATE INDEX ON events (kind); CREATE INDEX ON events (status); CREATE INDEX ON events USING gin (doc);
CREATE INDEX events_city_country ON events (country, city);
CREATE TABLE docs (id serial PRIMARY KEY, title text, body text, tags text[]);
ALTER TABLE docs ALTER body SET STORAGE EXTERNAL;
INSERT INTO docs (title, body, tags) SELECT 'title ' || i, (SELECT string_agg(md5(g::text || '-' || i), '') FROM generate_series(1, 100 + (i * 7919) % 300) g), ARRAY['a', 'b' || (i % 7)] FROM generate_series(1, 3000) i;
CREATE TABLE uorders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id int, total numeric, placed date);
INSERT INTO uorders (user_id, total, placed) SELECT (random() * 20000)::int + 1, random() * 100, date '2023-01-01' + (random() * 700)::int FROM generate_series(1, 100000);
CREATE INDEX ON uorders (user_id);
CREATE TABLE bloat (id serial PRIMARY KEY, a int, pad text);
INSERT INTO bloat (a, pad) SELECT i % 1000, repeat('x', 80) FROM generate_series(1, 100000) i;
DELETE FROM bloat WHERE random() < 0.7;
CREATE TABLE orders (id int PRIMARY KEY, user_id int, placed date, status text, priority int);
INSERT INTO orders SELECT i, (random() * 20000)::int + 1, date '2020-01-01' + (i / 50), CASE WHEN i % 100 < 3 THEN 'open' ELSE 'done' END, (random() * 5)::int FROM generate_series(1, 60000) i;
CREATE INDEX ON orders (placed);
CREATE TABLE lines (order_id int, n int, part int, qty int, price numeric(12,2), shipped date, note text, PRIMARY KEY (order_id, n));
INSERT INTO lines SELECT o, n, (random() * 5000)::int, (random() * 50)::int, random() * 1000, date '2020-01-01' + o / 50 + (random() * 30)::int, repeat('l', 30) FROM generate_series(1, 60000) o, generate_series(1, 4) n;
CREATE INDEX ON lines (part); CREATE INDEX ON lines (shipped);
CREATE TABLE part (k int, day date, v text) PARTITION BY RANGE (day);
CREATE TABLE part_2021 PARTITION OF part FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE part_2022 PARTITION OF part FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE TABLE part_2023 PARTITION OF part FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
INSERT INTO part SELECT i, date '2021-01-01' + (random() * 1094)::int, repeat('p', 60) FROM generate_series(1, 90000) i;
CREATE INDEX ON part (k);
CREATE TABLE tiny (a int PRIMARY KEY, b text); INSERT INTO tiny SELECT i, 'b' || i FROM generate_series(1, 50) i;
CREATE TABLE none (a int, b text);
CREATE VIEW rich AS SELECT u.id, u.name, sum(o.total) AS total FROM users u JOIN uorders o ON o.user_id = u.id GROUP BY u.id, u.name;
DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'm')
LOOP EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = false)', t); END LOOP; END $$;
