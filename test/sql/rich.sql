-- A database that holds one of everything that a backup could lose. Load it with
--   psql -X -v ON_ERROR_STOP=1 -f rich.sql
-- into an empty database as a superuser. It creates the roles rich_owner and rich_reader if they
-- are missing; everything else lies in the database. For PostgreSQL 13 and later: what came after
-- it is asked for by version.

SET client_min_messages = error;
SET TIME ZONE 'UTC';
SET client_encoding = 'UTF8';
SELECT n >= 140000 AS v14, n >= 150000 AS v15, n >= 160000 AS v16, n >= 170000 AS v17,
  n >= 180000 AS v18 FROM (SELECT current_setting('server_version_num')::int) AS v(n) \gset

DO $$ BEGIN
  CREATE ROLE rich_owner;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;
DO $$ BEGIN
  CREATE ROLE rich_reader;
EXCEPTION WHEN duplicate_object THEN NULL; END $$;

-- Extensions -----------------------------------------------------------------------------------
CREATE SCHEMA ext;
CREATE EXTENSION pg_trgm SCHEMA ext;
CREATE EXTENSION hstore SCHEMA ext;
CREATE EXTENSION citext SCHEMA ext;
CREATE EXTENSION btree_gist SCHEMA ext;
CREATE EXTENSION file_fdw;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION unaccent SCHEMA ext;
COMMENT ON EXTENSION pg_trgm IS 'trigrams, with our own comment';

-- Types -----------------------------------------------------------------------------------------
CREATE SCHEMA types AUTHORIZATION rich_owner;
COMMENT ON SCHEMA types IS 'of every kind; with a '' quote and a \ backslash';
CREATE TYPE types.mood AS ENUM ('sad', 'ok', 'it''s "great"');
ALTER TYPE types.mood ADD VALUE 'so so' BEFORE 'ok';
CREATE DOMAIN types.positive AS integer DEFAULT 1 NOT NULL CHECK (VALUE > 0);
CREATE DOMAIN types.code AS text COLLATE "C" CONSTRAINT code_form CHECK (VALUE ~ '^[A-Z]{3}$');
ALTER DOMAIN types.code ADD CONSTRAINT code_not_xxx CHECK (VALUE <> 'XXX') NOT VALID;
CREATE TYPE types.point3 AS (x float8, y float8, label text);
CREATE TYPE types.floatrange AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE COLLATION types.german (provider = libc, locale = 'C.UTF-8');
COMMENT ON TYPE types.point3 IS 'a point';
COMMENT ON COLUMN types.point3.label IS 'its name';

CREATE TABLE types.numbers (
  id int PRIMARY KEY, small smallint, big bigint, num numeric, num2 numeric(12, 2), r real,
  f float8, cash money, o oid);
INSERT INTO types.numbers VALUES
  (1, -32768, -9223372036854775808, '-1e131071', -9999999999.99, '-3.4028235e38',
   '-1.7976931348623157e308', '-92233720368547758.08', 0),
  (2, 32767, 9223372036854775807, '1e-16383', 9999999999.99, '1e-45', '5e-324',
   '92233720368547758.07', 4294967295),
  (3, 0, 0, 'NaN', 'NaN', 'NaN', 'NaN', 0, 1),
  (4, NULL, NULL, NULL, NULL, 'Infinity', '-Infinity', NULL, NULL),
  (5, 1, 1, 0.1000, 0.10, 0.1, '-0', 1, 1),
  (6, 1, 1, 3.14159265358979323846264338327950288419716939937510, 1, 0.3, 0.1::float8 + 0.2, 1, 1);
\if :v14
INSERT INTO types.numbers (id, num) VALUES (7, 'Infinity'), (8, '-Infinity');
CREATE TABLE types.multiranges (mr nummultirange);
INSERT INTO types.multiranges VALUES ('{[1,2),(3,4]}'), ('{}'), (NULL);
\endif

CREATE TABLE types.times (
  id int, d date, t time, tz timetz, ts timestamp, tstz timestamptz, i interval);
INSERT INTO types.times VALUES
  (1, '4713-01-01 BC', '00:00', '00:00+15:59', '4713-01-01 00:00:00 BC', '-infinity',
   '-178000000 years'),
  (2, '5874897-12-31', '24:00', '24:00-15:59', '294276-12-31 23:59:59.999999', 'infinity',
   '178000000 years 11 mons 30 days 23:59:59.999999'),
  (3, 'infinity', '12:34:56.789012', '01:02:03.4+05:45', '-infinity',
   '2026-03-29 02:30:00 Europe/Berlin', '1 mon -1 day -00:00:00.000001'),
  (4, NULL, NULL, NULL, NULL, '1883-11-18 12:03:57.5+00', '-1 years -2 mons +3 days -04:05:06');

CREATE TABLE types.texts (id serial PRIMARY KEY, t text, v varchar(20), c char(10), n name);
INSERT INTO types.texts (t, v, c) SELECT chr(n), 'control ' || n, chr(n)
  FROM generate_series(1, 31) AS n;
INSERT INTO types.texts (t, v, c, n) VALUES
  ('', '', '', ''), (NULL, NULL, NULL, NULL), ('\N', '\N', '\N', '\N'), ('\\N', '\\', '\', '\'),
  (E'\\.', '\.', '\.', '\.'), (E'line one\n\\.\nline three', NULL, 'a  ', 'b'),
  (E'tab\there', E'cr\rlf\n', E'\x7f', 'x'), ('trailing backslash \', ' ', ' ', ' '),
  ('naïve café — “quotes” ‰', 'ÄÖÜßẞ', '日本語', 'имя'), ('😀 👩‍👩‍👧‍👦 𝄞 𐍈', '🏳️‍🌈', '😀', '😀'),
  (U&'\FEFFbom \200B zero width \202E right to left', NULL, NULL, NULL),
  ('COPY public.t (a) FROM stdin;', '-- comment', '\restrict', '\connect'),
  (repeat('long text ', 5000), 'long', 'long', repeat('n', 63)),
  ('it''s; DROP TABLE x; --', '$$', '$tag$', '%s%n');

CREATE TABLE types.others (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b bytea, j json, jb jsonb, x xml, u uuid,
  arr int[], arr2 text[][], ip inet, net cidr, mac macaddr, bits bit(9), vbits varbit,
  p point, poly polygon, circ circle, ts tsvector, tq tsquery, r int4range,
  fr types.floatrange, m types.mood, ms types.mood[], dom types.positive, code types.code,
  pt types.point3, pts types.point3[], h ext.hstore, ci ext.citext, lsn pg_lsn, rc regclass,
  flag boolean, ch "char");
INSERT INTO types.others (b, j, jb, x, u, arr, arr2, ip, net, mac, bits, vbits, p, poly, circ, ts,
                          tq, r, fr, m, ms, code, pt, pts, h, ci, lsn, rc, flag, ch) VALUES
  ('\x00010a0d5c2eff', '{"a" :  1, "a":2}', '{"b": [1e400, null, "\u00e9\n\\"], "a": {}}',
   '<a b="1">text &amp; <![CDATA[x]]></a>', '00000000-0000-0000-0000-000000000000',
   '[0:2]={1,NULL,3}', '{{"a,b","{"},{"\"","\\"}}', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03',
   '101010101', '1', '(1e-300,-0)', '((0,0),(1,1),(2,0))', '<(0,0),1e10>',
   to_tsvector('english', 'The fat cats sat'), '!fat & (rat | cat:ab*)', '(,5]',
   '[1.5,)', 'so so', '{sad,NULL,"it''s \"great\""}', 'EUR',
   ROW(1, 'NaN', E'tab\t"quote"'), ARRAY[ROW(1, 2, NULL)::types.point3],
   'a=>NULL, "b c"=>"\"x\""', 'MiXeD', '16/B374D848', 'types.numbers', true, 'x'),
  ('', 'null', 'null', '', NULL, '{}', '{}', NULL, NULL, NULL, NULL, '', NULL, NULL, NULL, '', '',
   'empty', 'empty', NULL, '{}', NULL, NULL, NULL, '', '', '0/0', NULL, false, '');
INSERT INTO types.others (b) SELECT string_agg(decode(lpad(to_hex(n % 256), 2, '0'), 'hex'), '')
  FROM generate_series(0, 9999) AS n;

-- Tables of odd shapes --------------------------------------------------------------------------
CREATE SCHEMA shapes;
CREATE TABLE shapes.no_columns ();
INSERT INTO shapes.no_columns SELECT FROM generate_series(1, 7);
CREATE TABLE shapes.empty (a int, b text);
CREATE UNLOGGED TABLE shapes.unlogged (a int PRIMARY KEY);
INSERT INTO shapes.unlogged SELECT generate_series(1, 10);

CREATE TABLE shapes.dropped (a int, gone text, b text, gone_too int, c int);
INSERT INTO shapes.dropped SELECT n, 'x', 'b' || n, n, -n FROM generate_series(1, 20) AS n;
ALTER TABLE shapes.dropped DROP COLUMN gone, DROP COLUMN gone_too;
ALTER TABLE shapes.dropped ADD COLUMN fast text DEFAULT 'was not stored' NOT NULL;
INSERT INTO shapes.dropped VALUES (21, 'b', 0, 'stored');

CREATE TABLE shapes.generated (
  id bigint GENERATED BY DEFAULT AS IDENTITY (START 100 INCREMENT 10 MINVALUE 5 CYCLE),
  a int NOT NULL, twice int GENERATED ALWAYS AS (a * 2) STORED, b text DEFAULT upper('default'));
INSERT INTO shapes.generated (a) SELECT generate_series(1, 5);

CREATE TABLE shapes.serials (id bigserial PRIMARY KEY, s smallserial, note text);
INSERT INTO shapes.serials (note) SELECT 'n' || n FROM generate_series(1, 17) AS n;
DELETE FROM shapes.serials WHERE id > 15;
CREATE SEQUENCE shapes.cycling AS bigint INCREMENT -3 MINVALUE -9223372036854775807
  MAXVALUE 9 START 9 CACHE 20 CYCLE;
SELECT nextval('shapes.cycling'), nextval('shapes.cycling') \g /dev/null
CREATE SEQUENCE shapes.never_called AS smallint START 77 MINVALUE 7;
CREATE SEQUENCE shapes.at_end MAXVALUE 3;
SELECT setval('shapes.at_end', 3) \g /dev/null

CREATE TABLE shapes.parent (a int, b text DEFAULT 'parent', CONSTRAINT a_ok CHECK (a > 0));
CREATE TABLE shapes.child_shuffled (extra date, b text DEFAULT 'child',
  a int CONSTRAINT a_ok CHECK (a > 0));
ALTER TABLE shapes.child_shuffled INHERIT shapes.parent;
CREATE TABLE shapes.child_more (c numeric NOT NULL) INHERITS (shapes.parent);
ALTER TABLE shapes.parent ADD COLUMN added_later int DEFAULT 3;
CREATE TABLE shapes.grandchild (d int, b text DEFAULT 'grandchild')
  INHERITS (shapes.child_more, shapes.child_shuffled);
INSERT INTO shapes.parent SELECT n, 'p' || n FROM generate_series(1, 5) AS n;
INSERT INTO shapes.child_shuffled VALUES ('2026-01-01', 'c', 1, 2);
INSERT INTO shapes.child_more VALUES (2, 'm', 3, 4.5);
INSERT INTO shapes.grandchild (a, b, c, d) VALUES (9, 'g', 1, 2);

CREATE TABLE shapes.wide (LIKE types.numbers INCLUDING ALL);
DO $$ BEGIN
  FOR n IN 1..250 LOOP EXECUTE format('ALTER TABLE shapes.wide ADD c%s int DEFAULT %s', n, n); END LOOP;
END $$;
INSERT INTO shapes.wide (id) VALUES (1), (2);
CREATE TABLE shapes.storage (a text, b text) WITH (fillfactor = 70, autovacuum_enabled = off);
\if :v14
ALTER TABLE shapes.storage ALTER a SET COMPRESSION pglz;
\endif
INSERT INTO shapes.storage VALUES (repeat('toast', 20000), 'b');
ALTER TABLE shapes.storage ALTER a SET STORAGE EXTERNAL, ALTER a SET STATISTICS 77,
  ALTER b SET STORAGE MAIN, ALTER b SET (n_distinct = -0.5);
CREATE TABLE shapes.typed OF types.point3 (x WITH OPTIONS NOT NULL, PRIMARY KEY (x));
INSERT INTO shapes.typed VALUES (1, 2, 'three');

-- Partitions ------------------------------------------------------------------------------------
CREATE SCHEMA parts;
CREATE TABLE parts.by_range (id int, day date NOT NULL, note text) PARTITION BY RANGE (day);
CREATE TABLE parts.range_old PARTITION OF parts.by_range FOR VALUES FROM (MINVALUE) TO ('2025-01-01');
CREATE TABLE parts.range_2025 (note text, day date NOT NULL, id int);
ALTER TABLE parts.by_range ATTACH PARTITION parts.range_2025
  FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE parts.range_2026 PARTITION OF parts.by_range
  FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (id);
CREATE TABLE parts.range_2026_odd PARTITION OF parts.range_2026 FOR VALUES IN (1, 3, 5, NULL);
CREATE TABLE parts.range_2026_rest PARTITION OF parts.range_2026 DEFAULT;
CREATE TABLE parts.range_default PARTITION OF parts.by_range DEFAULT;
INSERT INTO parts.by_range
  SELECT n % 7, date '2024-11-01' + n * 10, 'note ' || n FROM generate_series(1, 120) AS n;
INSERT INTO parts.by_range VALUES (NULL, '2026-05-05', 'null key');
CREATE INDEX by_range_day ON parts.by_range (day);
ALTER TABLE parts.range_2025 ADD CONSTRAINT only_2025 CHECK (note <> '');

CREATE TABLE parts.by_list (country text, n int, PRIMARY KEY (country, n)) PARTITION BY LIST (country);
CREATE TABLE parts.list_de PARTITION OF parts.by_list FOR VALUES IN ('de', 'at', 'it''s');
CREATE TABLE parts.list_rest PARTITION OF parts.by_list DEFAULT;
INSERT INTO parts.by_list SELECT c, n FROM unnest(ARRAY['de', 'at', 'it''s', 'fr', '']) AS c,
  generate_series(1, 4) AS n;

CREATE TABLE parts.by_hash (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE parts.hash_0 PARTITION OF parts.by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parts.hash_1 PARTITION OF parts.by_hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts.by_hash SELECT n, md5(n::text) FROM generate_series(1, 100) AS n;

-- An enum's hash hangs on its oid, so these rows are loaded through the root.
CREATE TABLE parts.by_mood (m types.mood, id int) PARTITION BY HASH (m);
CREATE TABLE parts.mood_0 PARTITION OF parts.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parts.mood_1 PARTITION OF parts.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parts.mood_2 PARTITION OF parts.by_mood FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parts.by_mood SELECT m, n FROM unnest(enum_range(NULL::types.mood)) AS m,
  generate_series(1, 10) AS n;

-- Functions and what is made of them ------------------------------------------------------------
CREATE SCHEMA code AUTHORIZATION rich_owner;
CREATE FUNCTION code.add_one(n int) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS 'SELECT n + 1';
\if :v14
CREATE FUNCTION code.inlined(n int DEFAULT 5, OUT twice int, OUT label text) LANGUAGE sql
  BEGIN ATOMIC SELECT n * 2, 'label'::text; END;
\endif
CREATE FUNCTION code.slashes(VARIADIC parts text[]) RETURNS text LANGUAGE plpgsql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, pg_temp COST 77 AS $body$
BEGIN
  -- $$ quotes, \. and 'ticks' stay as they are

  RETURN array_to_string(parts, E'\\');
END $body$;
CREATE FUNCTION code.numbers() RETURNS TABLE (n int) ROWS 3 LANGUAGE sql AS
  $$ VALUES (1), (2), (3) $$;
CREATE PROCEDURE code.nothing(INOUT a int) LANGUAGE plpgsql AS $$ BEGIN a := a + 1; END $$;
CREATE AGGREGATE code.product(float8) (SFUNC = float8mul, STYPE = float8, INITCOND = '1');
CREATE FUNCTION code.close_to(float8, float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS
  'SELECT abs($1 - $2) < 1e-9';
CREATE OPERATOR code.~== (LEFTARG = float8, RIGHTARG = float8, FUNCTION = code.close_to,
                          COMMUTATOR = OPERATOR(code.~==));
CREATE FUNCTION code.to_text(types.point3) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.label';
CREATE CAST (types.point3 AS text) WITH FUNCTION code.to_text(types.point3) AS ASSIGNMENT;
CREATE TEXT SEARCH CONFIGURATION code.plain (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION code.plain ALTER MAPPING FOR asciiword WITH simple;
COMMENT ON FUNCTION code.add_one(int) IS E'adds\none';
REVOKE ALL ON FUNCTION code.add_one(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION code.add_one(int) TO rich_reader;
ALTER FUNCTION code.add_one(int) OWNER TO rich_owner;

-- Constraints, keys and indexes -----------------------------------------------------------------
CREATE SCHEMA keys;
CREATE TABLE keys.tree (id int PRIMARY KEY, parent int REFERENCES keys.tree ON DELETE CASCADE);
INSERT INTO keys.tree SELECT n, nullif(n / 2, 0) FROM generate_series(1, 31) AS n;
UPDATE keys.tree SET parent = 31 WHERE id = 1;
CREATE TABLE keys.hen (id int PRIMARY KEY, egg int NOT NULL);
CREATE TABLE keys.egg (id int PRIMARY KEY,
  hen int NOT NULL REFERENCES keys.hen DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE keys.hen ADD CONSTRAINT hen_egg FOREIGN KEY (egg) REFERENCES keys.egg
  ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO keys.hen SELECT n, n FROM generate_series(1, 10) AS n;
INSERT INTO keys.egg SELECT n, 11 - n FROM generate_series(1, 10) AS n;
COMMIT;
CREATE TABLE keys.refers_to_parts (id int REFERENCES parts.by_hash);
INSERT INTO keys.refers_to_parts SELECT generate_series(1, 50);
CREATE TABLE keys.invalid (id int, parent int);
INSERT INTO keys.invalid VALUES (1, 999);
ALTER TABLE keys.invalid ADD CONSTRAINT never_checked FOREIGN KEY (parent) REFERENCES keys.tree NOT VALID;
CREATE TABLE keys.booking (room int, during tstzrange, note text,
  CONSTRAINT no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (note <> 'void'));
INSERT INTO keys.booking SELECT n % 3, tstzrange('2026-01-01'::timestamptz + n * interval '1 day',
  '2026-01-02'::timestamptz + n * interval '1 day'), 'note' FROM generate_series(1, 30) AS n;
CREATE TABLE keys.indexed (id int, t text, tags text[], js jsonb, at timestamptz, d float8,
  UNIQUE (id), CONSTRAINT d_ok CHECK (d OPERATOR(code.~==) d));
INSERT INTO keys.indexed SELECT n, md5(n::text), ARRAY[n::text, 'tag'], jsonb_build_object('n', n),
  '2026-01-01'::timestamptz + n * interval '1 hour', n / 3.0 FROM generate_series(1, 500) AS n;
\if :v15
ALTER TABLE keys.indexed ADD UNIQUE NULLS NOT DISTINCT (t, d);
\endif
CREATE INDEX indexed_part ON keys.indexed (t DESC NULLS LAST) INCLUDE (d) WHERE id > 100;
CREATE INDEX indexed_expr ON keys.indexed (lower(t) text_pattern_ops, (code.add_one(id)));
CREATE INDEX indexed_gin ON keys.indexed USING gin (tags);
CREATE INDEX indexed_js ON keys.indexed USING gin (js jsonb_path_ops);
CREATE INDEX indexed_trgm ON keys.indexed USING gist (t ext.gist_trgm_ops);
CREATE INDEX indexed_brin ON keys.indexed USING brin (at) WITH (pages_per_range = 4);
CREATE INDEX indexed_hash ON keys.indexed USING hash (t);
CREATE INDEX indexed_spgist ON keys.indexed USING spgist (t);
CREATE STATISTICS keys.indexed_stats (ndistinct, dependencies, mcv) ON id, t FROM keys.indexed;
\if :v14
CREATE STATISTICS keys.indexed_expr_stats ON (lower(t)), d FROM keys.indexed;
\endif
ALTER TABLE keys.indexed CLUSTER ON indexed_id_key;
ALTER TABLE keys.tree REPLICA IDENTITY FULL;
COMMENT ON CONSTRAINT no_overlap ON keys.booking IS 'one guest at a time';
COMMENT ON INDEX keys.indexed_gin IS 'tags';

-- Views, rules, triggers, policies --------------------------------------------------------------
CREATE SCHEMA views;
CREATE VIEW views.even AS SELECT * FROM keys.indexed WHERE id % 2 = 0 WITH LOCAL CHECK OPTION;
CREATE VIEW views.barrier WITH (security_barrier) AS
  SELECT id, js ->> 'n' AS "odd ""name" FROM views.even;
\if :v15
ALTER VIEW views.barrier SET (security_invoker);
\endif
CREATE RECURSIVE VIEW views.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 9;
CREATE MATERIALIZED VIEW views.mat AS SELECT id % 10 AS k, count(*) AS c FROM keys.indexed GROUP BY 1;
CREATE UNIQUE INDEX mat_k ON views.mat (k);
CREATE MATERIALIZED VIEW views.mat_on_mat AS SELECT sum(c) AS s FROM views.mat;
CREATE MATERIALIZED VIEW views.unpopulated AS SELECT * FROM views.mat WITH NO DATA;
CREATE VIEW views.circular AS SELECT 1 AS a;
CREATE VIEW views.circular2 AS SELECT * FROM views.circular;
CREATE OR REPLACE VIEW views.circular AS SELECT count(*)::int AS a FROM views.mat;

CREATE TABLE views.log (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE TABLE views.guarded (id int PRIMARY KEY, owner text, secret text);
CREATE FUNCTION views.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO views.log (what) VALUES (TG_OP || ' ' || TG_NAME); RETURN NEW; END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE OF owner ON views.guarded
  FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION views.note('argument', E'with\n\\ and ''');
CREATE TRIGGER sleeping BEFORE DELETE ON views.guarded EXECUTE FUNCTION views.note();
ALTER TABLE views.guarded DISABLE TRIGGER sleeping;
CREATE TRIGGER always BEFORE TRUNCATE ON views.guarded EXECUTE FUNCTION views.note();
ALTER TABLE views.guarded ENABLE ALWAYS TRIGGER always;
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON views.guarded DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION views.note();
CREATE TRIGGER instead INSTEAD OF INSERT ON views.barrier FOR EACH ROW EXECUTE FUNCTION views.note();
CREATE RULE protect AS ON DELETE TO views.log DO INSTEAD NOTHING;
INSERT INTO views.guarded SELECT n, 'rich_reader', 'secret ' || n FROM generate_series(1, 5) AS n;
ALTER TABLE views.guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.guarded FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON views.guarded FOR SELECT TO rich_reader USING (owner = CURRENT_USER);
CREATE POLICY strict ON views.guarded AS RESTRICTIVE USING (id < 100) WITH CHECK (id < 50);
ALTER TABLE views.log ENABLE ROW LEVEL SECURITY;
ALTER TABLE views.log OWNER TO rich_owner;

-- Foreign data ----------------------------------------------------------------------------------
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE shapes.foreign_file (line text) SERVER files
  OPTIONS (filename '/etc/hostname', format 'text');
CREATE SERVER elsewhere TYPE 'pg' VERSION '15' FOREIGN DATA WRAPPER postgres_fdw
  OPTIONS (host '192.0.2.1', dbname 'nowhere');
CREATE USER MAPPING FOR rich_reader SERVER elsewhere OPTIONS (user 'u', password 'it''s "secret"');
CREATE FOREIGN TABLE shapes.foreign_far (id int OPTIONS (column_name 'ID'), t text) SERVER elsewhere;

-- Large objects: none, one byte, a page less one, a page, many chunks ----------------------------
SELECT lo_from_bytea(700000 + n, substring(decode(repeat(md5(n::text), 4096), 'hex') FOR n))
  FROM unnest(ARRAY[0, 1, 2047, 2048, 2049, 16384, 32769, 65000]) AS n \g /dev/null
SELECT lo_put(700000 + 1, 100000, '\x00ff') \g /dev/null
COMMENT ON LARGE OBJECT 702048 IS 'one page, it''s';
ALTER LARGE OBJECT 702049 OWNER TO rich_owner;
GRANT SELECT ON LARGE OBJECT 702049 TO rich_reader;
GRANT SELECT, UPDATE ON LARGE OBJECT 732769 TO PUBLIC;

-- Hostile names ---------------------------------------------------------------------------------
CREATE SCHEMA "--file=/tmp/x";
CREATE SCHEMA "it's ""odd"" %s $1 \ ;";
CREATE TABLE "--file=/tmp/x"."--file=/tmp/x" ("-a" int, "--b=c" text);
INSERT INTO "--file=/tmp/x"."--file=/tmp/x" SELECT n, '--' || n FROM generate_series(1, 9) AS n;
CREATE TABLE "it's ""odd"" %s $1 \ ;"."new
line" ("col
umn" int, "tab	ed" int);
INSERT INTO "it's ""odd"" %s $1 \ ;"."new
line" VALUES (1, 2), (3, 4);
CREATE TABLE public."t FROM stdin;" ("p)q" int, "a, b" text, " " int, "(" int, """" int);
INSERT INTO public."t FROM stdin;" VALUES (1, '(2)', 3, 4, 5);
CREATE TABLE public."SELECT" ("FROM" int PRIMARY KEY, "UPPER" text, "user" text);
INSERT INTO public."SELECT" VALUES (1, 'x', 'y');
CREATE TABLE public."таблица 表 🐘" ("столбец" text, "列" int);
INSERT INTO public."таблица 表 🐘" VALUES ('значение', 1);
CREATE TABLE public."sixty-three bytes, which is the longest name that PostgreSQL kn" (a int);
INSERT INTO public."sixty-three bytes, which is the longest name that PostgreSQL kn" VALUES (63);
CREATE TABLE public."a.b" (c int);
INSERT INTO public."a.b" VALUES (1);
CREATE TABLE public."../../etc/passwd" ("*" int);
CREATE INDEX "index
; DROP TABLE x" ON public."../../etc/passwd" ("*");
COMMENT ON TABLE public."a.b" IS E'\\connect template1\n\\! touch /tmp/x\n-- ''';

-- What came with later versions -----------------------------------------------------------------
CREATE SCHEMA later;
\if :v16
CREATE TABLE later.stored (a text STORAGE EXTERNAL, "json" jsonb CHECK ("json" IS JSON OBJECT));
INSERT INTO later.stored VALUES (repeat('external ', 3000), '{"a": 1}');
CREATE COLLATION later.ruled (provider = icu, locale = 'und', rules = '& a < g');
CREATE TABLE later.collated (t text COLLATE later.ruled PRIMARY KEY);
INSERT INTO later.collated VALUES ('a'), ('g'), ('b');
\endif
\if :v17
CREATE TABLE later.counted (id int GENERATED ALWAYS AS IDENTITY (START 5), k int,
  EXCLUDE USING gist (k WITH =)) PARTITION BY RANGE (k);
CREATE TABLE later.counted_1 PARTITION OF later.counted FOR VALUES FROM (0) TO (50);
CREATE TABLE later.counted_2 PARTITION OF later.counted FOR VALUES FROM (50) TO (100);
INSERT INTO later.counted (k) SELECT generate_series(10, 90, 10);
GRANT MAINTAIN ON later.counted TO rich_reader;
\endif
\if :v18
CREATE TABLE later.virtual (a int, twice int GENERATED ALWAYS AS (a * 2) VIRTUAL, b text,
  thrice int GENERATED ALWAYS AS (a * 3) STORED, CONSTRAINT b_there NOT NULL b);
INSERT INTO later.virtual (a, b) SELECT n, 'row ' || n FROM generate_series(1, 100) AS n;
CREATE TABLE later.unchecked (a int);
INSERT INTO later.unchecked VALUES (NULL), (-1);
ALTER TABLE later.unchecked ADD CONSTRAINT a_there NOT NULL a NOT VALID,
  ADD CONSTRAINT a_positive CHECK (a > 0) NOT ENFORCED;
CREATE TABLE later.periods (room int, at tstzrange, PRIMARY KEY (room, at WITHOUT OVERLAPS));
CREATE TABLE later.stays (room int, at tstzrange, guest text DEFAULT uuidv7()::text,
  FOREIGN KEY (room, PERIOD at) REFERENCES later.periods (room, PERIOD at));
INSERT INTO later.periods VALUES (1, '[2026-01-01, 2026-02-01)');
INSERT INTO later.stays VALUES (1, '[2026-01-03, 2026-01-05)');
\endif

-- Privileges, publication, event trigger, settings of the database -------------------------------
GRANT USAGE ON SCHEMA types, keys TO rich_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA keys TO rich_reader WITH GRANT OPTION;
GRANT UPDATE (t, d) ON keys.indexed TO rich_reader;
GRANT SELECT ON types.numbers TO PUBLIC;
REVOKE ALL ON types.times FROM CURRENT_USER;
GRANT USAGE ON SEQUENCE shapes.cycling TO rich_reader;
GRANT USAGE ON TYPE types.mood TO rich_reader;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER TABLE types.numbers OWNER TO rich_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE rich_owner IN SCHEMA types GRANT SELECT ON TABLES TO rich_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE rich_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE PUBLICATION some_tables FOR TABLE keys.tree, keys.hen;
\if :v15
CREATE PUBLICATION some_rows FOR TABLE keys.tree, keys.indexed (id, t) WHERE (id > 5);
CREATE PUBLICATION some_schema FOR TABLES IN SCHEMA parts WITH (publish = 'insert, update');
\endif
CREATE FUNCTION code.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE DEBUG 'ddl %', tg_tag; END $$;
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE')
  EXECUTE FUNCTION code.on_ddl();
CREATE EVENT TRIGGER asleep ON sql_drop EXECUTE FUNCTION code.on_ddl();
ALTER EVENT TRIGGER asleep DISABLE;
SELECT format('COMMENT ON DATABASE %1$I IS ''the rich one, it''''s 100 %% full''', current_database())
\gexec
SELECT format('GRANT CONNECT, TEMP ON DATABASE %I TO rich_reader', current_database()) \gexec
SELECT format('ALTER DATABASE %I SET work_mem = ''7MB''', current_database()) \gexec
SELECT format('ALTER DATABASE %I SET search_path = "$user", public, "it''s ""odd"" %%s $1 \ ;"',
              current_database()) \gexec
SELECT format('ALTER ROLE rich_reader IN DATABASE %I SET statement_timeout = ''1min''',
              current_database()) \gexec
SELECT format('ALTER DATABASE %I CONNECTION LIMIT 50', current_database()) \gexec
