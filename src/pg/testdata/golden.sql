-- The database that the archives of this folder hold. Small, but with one of each oddity.
create schema "odd ""schema""";
create table t (a int primary key, b text);
insert into t select i, case when i % 7 = 0 then null else repeat(chr(97 + i % 26), i) end
  from generate_series(1, 40) i;
insert into t values (100, E'tab\t newline\n backslash \\ \\. and \\N'), (101, '\.'), (102, '');
create table empty (a int);
create table no_columns ();
insert into no_columns select from generate_series(1, 3);
create table "odd ""schema"""."t FROM stdin;" ("a, ""b)" int generated always as identity, "p)q" text,
  doubled int generated always as (7 * 2) stored);
insert into "odd ""schema"""."t FROM stdin;" ("p)q") values ('x'), (null);
create table "new
line" (a int default 1);
comment on table "new
line" is 'a comment; with ''quotes'' and \ backslash';
create table parent (k int, v text) partition by hash (k);
create table parent_0 partition of parent for values with (modulus 2, remainder 0);
create table parent_1 partition of parent for values with (modulus 2, remainder 1);
insert into parent select i, 'row ' || i from generate_series(1, 20) i;
create type mood as enum ('sad', 'happy');
create table by_mood (m mood, n int) partition by hash (m);
create table by_mood_0 partition of by_mood for values with (modulus 1, remainder 0);
insert into by_mood values ('sad', 1), ('happy', 2);
create sequence "a'seq" minvalue -5 start -3;
select nextval('"a''seq"');
create function f() returns int language plpgsql as $$ begin return 1; -- ; ' "
end $$;
create materialized view mv as select count(*) from t;
create view v as select a from t where b <> ';';
select lo_from_bytea(16500, '\x');
select lo_from_bytea(16501, decode(repeat('00ff0d0a', 5000), 'hex'));
select lo_from_bytea(3000000000, 'above two to the 31st');
comment on large object 16501 is 'a large object';
grant select on t to public;
