-- Large objects: `rows` of them, of 1 to 9 kB.
\if :{?rows} \else \set rows 50000 \endif
SET client_min_messages = warning;
SET synchronous_commit = off;

CREATE TABLE files (id bigint PRIMARY KEY, content oid NOT NULL);
INSERT INTO files
  SELECT n, lo_from_bytea(0, decode(repeat(md5(n::text) || md5((n + 1)::text), 32 + n % 256), 'hex'))
    FROM generate_series(1, :rows) AS n;
