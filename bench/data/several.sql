-- Two large tables, of which the first has a long index: psql -v rows=N -f several.sql
--
-- articles: ROWS texts with a GIN index of their words, which takes longer than to load them;
-- events: ten times as many rows with a primary key and an index.
SELECT setseed(0.5);

CREATE TABLE articles (
  id bigint PRIMARY KEY,
  title text NOT NULL,
  body text NOT NULL);
INSERT INTO articles
SELECT i, 'article ' || i,
       (SELECT string_agg('word' || (power(random(), 3) * 50000 + 0 * (i + j))::int, ' ')
        FROM generate_series(1, 60) j)
FROM generate_series(1, :rows) i;
CREATE INDEX articles_words ON articles USING gin (to_tsvector('simple', body));

CREATE TABLE events (
  id bigint PRIMARY KEY,
  article bigint NOT NULL REFERENCES articles,
  at timestamptz NOT NULL,
  agent text NOT NULL);
INSERT INTO events
SELECT i, 1 + i % :rows, timestamptz '2026-01-01' + i * interval '1 second', md5(i::text)
FROM generate_series(1, :rows * 10) i;
CREATE INDEX events_article ON events (article, at);
