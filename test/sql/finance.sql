-- The database of a personal finance bot, for the demo and the measurements. Load it with
--   psql -X -v ON_ERROR_STOP=1 -v rows=20000 -f finance.sql
-- `rows` is the number of transactions; everything is made by the server and is the same each time.
-- 2,000,000 rows make about 600 MB of transactions.

\if :{?rows} \else \set rows 20000 \endif
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
SET max_parallel_workers_per_gather = 0;  -- random() has to be drawn in one order
SET synchronous_commit = off;
SELECT setseed(0.42) \g /dev/null

CREATE TYPE account_kind AS ENUM ('cash', 'card', 'savings', 'credit', 'crypto');
CREATE DOMAIN currency AS char(3) CHECK (VALUE ~ '^[A-Z]{3}$');

CREATE TABLE users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  telegram_id bigint NOT NULL UNIQUE,
  name text NOT NULL,
  email text UNIQUE,
  language text NOT NULL DEFAULT 'en',
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE accounts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  kind account_kind NOT NULL,
  name text NOT NULL,
  currency currency NOT NULL,
  balance numeric(16, 2) NOT NULL DEFAULT 0,
  archived boolean NOT NULL DEFAULT false);
CREATE TABLE categories (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  parent_id int REFERENCES categories,
  name text NOT NULL UNIQUE);
CREATE TABLE transactions (
  id bigint GENERATED ALWAYS AS IDENTITY,
  account_id bigint NOT NULL,
  category_id int NOT NULL,
  amount numeric(14, 2) NOT NULL,
  currency currency NOT NULL,
  happened_at timestamptz NOT NULL,
  note text NOT NULL,
  metadata jsonb NOT NULL);
CREATE TABLE budgets (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  category_id int NOT NULL REFERENCES categories,
  month date NOT NULL,
  spending_limit numeric(12, 2) NOT NULL CHECK (spending_limit >= 0),
  UNIQUE (user_id, category_id, month));
CREATE TABLE audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id bigint,
  at timestamptz NOT NULL,
  action text NOT NULL,
  detail jsonb);

-- Words as a language has them: a few very often, most seldom (word k is drawn about 1/k of the
-- time). A word is two to five syllables, made from its rank.
CREATE TEMP TABLE words AS
  SELECT k, string_agg(substr('kalomirenatosevupidaguhefibojyxecewazu', 1 + 2 * (
           ('x' || substr(md5(k || '/' || s), 1, 6))::bit(24)::int % 19), 2), '' ORDER BY s) AS word
    FROM generate_series(1, 4000) AS k, generate_series(1, 5) AS s
   WHERE s <= 2 + k % 4
   GROUP BY k;

INSERT INTO users (telegram_id, name, email, language, settings, created_at)
  SELECT 100000000 + n * 7919, initcap(w1.word) || ' ' || initcap(w2.word),
         CASE WHEN n % 10 <> 0 THEN w1.word || n || '@example.org' END,
         (ARRAY['en', 'de', 'ru', 'es', 'uk'])[1 + n % 5],
         jsonb_build_object('digest', n % 2 = 0, 'zone', 'Europe/Berlin', 'limit', n % 50 * 100),
         timestamptz '2024-01-01' + n * interval '13 minutes'
    FROM generate_series(1, greatest(:rows / 200, 10)) AS n
    JOIN words AS w1 ON w1.k = 1 + n * 31 % 4000
    JOIN words AS w2 ON w2.k = 1 + n * 57 % 4000
   ORDER BY n;
INSERT INTO accounts (user_id, kind, name, currency, balance)
  SELECT 1 + n % (SELECT count(*) FROM users), (enum_range(NULL::account_kind))[1 + n % 5],
         'account ' || n, (ARRAY['EUR', 'USD', 'GBP', 'PLN'])[1 + n % 4],
         round((random() * 20000)::numeric, 2)
    FROM generate_series(1, greatest(:rows / 100, 20)) AS n;
INSERT INTO categories (parent_id, name)
  SELECT CASE WHEN n > 8 THEN 1 + n % 8 END, 'category ' || n FROM generate_series(1, 60) AS n;

INSERT INTO transactions (account_id, category_id, amount, currency, happened_at, note, metadata)
  SELECT 1 + (random() * random() * (a.accounts - 1))::bigint, 1 + (random() * random() * 59)::int,
         round((exp(random() * 7) * CASE WHEN n % 12 = 0 THEN 1 ELSE -0.3 END)::numeric, 2),
         (ARRAY['EUR', 'USD', 'GBP', 'PLN'])[1 + n % 4],
         timestamptz '2024-01-01' + n * interval '1 minute' * (1000000.0 / :rows)
           + random() * interval '50 seconds',
         (SELECT string_agg(word, ' ')
            FROM (SELECT v.words[ceil(exp(random() * ln(4000)))::int] AS word
                    FROM generate_series(1, 5 + (n * 7 + 3) % 17)) AS drawn),
         jsonb_build_object('source', (ARRAY['bot', 'import', 'rule', 'api'])[1 + n % 4],
                            'merchant', v.words[ceil(exp(random() * ln(4000)))::int],
                            'message', n * 3 + 1000000,
                            'tags', jsonb_build_array(v.words[1 + n % 40], v.words[1 + n % 97]),
                            'rate', round(random()::numeric, 4))
    FROM generate_series(1, :rows) AS n,
         -- One array, made here: one that lay in a table would be unpacked for each word.
         (SELECT array_agg(word ORDER BY k) AS words FROM words) AS v,
         (SELECT count(*) AS accounts FROM accounts) AS a;

INSERT INTO budgets (user_id, category_id, month, spending_limit)
  SELECT u.id, 1 + (u.id + c) % 60, date '2026-01-01' + m * interval '1 month', 50 + u.id % 20 * 25
    FROM users AS u, generate_series(1, 3) AS c, generate_series(0, 3) AS m;
INSERT INTO audit_log (user_id, at, action, detail)
  SELECT 1 + n % (SELECT count(*) FROM users), timestamptz '2026-01-01' + n * interval '29 seconds',
         (ARRAY['login', 'export', 'import', 'edit', 'delete'])[1 + n % 5],
         CASE WHEN n % 3 <> 0 THEN jsonb_build_object('ip', '192.0.2.' || n % 256, 'row', n) END
    FROM generate_series(1, :rows / 10) AS n;

ALTER TABLE transactions ADD PRIMARY KEY (id);
CREATE INDEX transactions_account_time ON transactions (account_id, happened_at DESC);
CREATE INDEX transactions_category ON transactions (category_id) WHERE amount < 0;
CREATE INDEX transactions_metadata ON transactions USING gin (metadata jsonb_path_ops);
CREATE INDEX transactions_words ON transactions USING gin (to_tsvector('simple', note));
ALTER TABLE transactions
  ADD FOREIGN KEY (account_id) REFERENCES accounts ON DELETE CASCADE,
  ADD FOREIGN KEY (category_id) REFERENCES categories;
CREATE INDEX audit_log_at ON audit_log USING brin (at);
CREATE VIEW monthly_spending AS
  SELECT a.user_id, t.category_id, date_trunc('month', t.happened_at) AS month, sum(-t.amount) AS spent
    FROM transactions AS t JOIN accounts AS a ON a.id = t.account_id
   WHERE t.amount < 0 GROUP BY 1, 2, 3;
ANALYZE;
