-- Many tables: `rows` of them, of 0.1 to 2 MB (some hundred rows of 1 kB each), each with a key and an index.
\if :{?rows} \else \set rows 2000 \endif
SET client_min_messages = warning;
SET synchronous_commit = off;
SELECT setseed(0.42) \g /dev/null

SELECT format('CREATE TABLE t%s AS SELECT i AS id, md5(i::text || %L) AS name, i * 1.25 AS amount,'
              ' timestamptz ''2026-01-01'' + i * interval ''1 minute'' AS at,'
              ' repeat(md5(i::text), 25) AS note FROM generate_series(1, %s) AS i',
              n, n, (100 * 20 ^ random())::int)
  FROM generate_series(1, :rows) AS n \gexec
SELECT format('ALTER TABLE t%s ADD PRIMARY KEY (id)', n) FROM generate_series(1, :rows) AS n \gexec
SELECT format('CREATE INDEX ON t%s (at)', n) FROM generate_series(1, :rows) AS n \gexec
