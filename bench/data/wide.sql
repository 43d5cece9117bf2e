-- Wide rows: `rows` of them, each with 100 kB of words and 100 kB of bytes that do not compress.
\if :{?rows} \else \set rows 3000 \endif
SET client_min_messages = warning;
SET synchronous_commit = off;

CREATE TABLE documents (id bigint PRIMARY KEY, title text NOT NULL, body text NOT NULL, scan bytea NOT NULL);
ALTER TABLE documents ALTER scan SET STORAGE EXTERNAL;
INSERT INTO documents
  SELECT n, 'document ' || n,
         (SELECT string_agg(substr(md5((n * 7919 + i)::text), 1, 3 + i % 9), ' ') FROM generate_series(1, 13000) AS i),
         (SELECT string_agg(sha256((n || ':' || i)::text::bytea), '') FROM generate_series(1, 3125) AS i)
    FROM generate_series(1, :rows) AS n;
