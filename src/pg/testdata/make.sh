#!/bin/sh
# Makes the archives of this folder again, on the server that PGHOST, PGPORT and PGUSER name.
set -eu
cd "$(dirname "$0")"
createdb golden
psql -q -v ON_ERROR_STOP=1 -d golden -f golden.sql > /dev/null
pg_dump -Fc -Z0 golden | cat > pg15-z0-pipe.dump
pg_dump -Fc -Z6 golden | cat > pg15-z6-pipe.dump
pg_dump -Fc -Z0 -f pg15-z0-file.dump golden
pg_dump -Fc -Z6 -f pg15-z6-file.dump golden
pg_dump -Fc -Z0 --load-via-partition-root golden | cat > pg15-root.dump
pg_dump -Fc -Z0 --inserts -t t golden | cat > pg15-inserts.dump
pg_dump -Fc -Z0 --section=data golden | cat > pg15-data.dump
dropdb golden
