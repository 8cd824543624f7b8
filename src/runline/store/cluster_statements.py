"""Statements on nodes, leases and who owns which stream: PostgreSQL's alone, since a file has one process.

Rule: each is a transaction of its own, which changes one lease, one node or one stream, and only as it was read.
"""

CHANNEL = "runline_cluster"
"""On which it is told that something has changed."""

TELL = f"pg_notify('{CHANNEL}', '')"

NOW_NS = "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint"
"""By the database's clock, for showing only."""

NEXT = "nextval('cluster_numbers')"
"""No number is given twice, whatever is forgotten: whoever stood still for long renews nobody else's lease."""

# Leases

SEEN = (
    f"SELECT l.name, l.holder, l.number, l.counter, (greatest({NOW_NS} - l.renewed_ns, 0) / 1000000)::bigint, "
    "(SELECT coalesce(sum(changed), 0)::bigint FROM cluster_streams)"
)

LOOK = f"{SEEN}, NULL::bigint FROM cluster_leases l"

RENEW = (
    f"WITH renewed AS (UPDATE cluster_leases l SET counter = l.counter + 1, renewed_ns = {NOW_NS} "
    "FROM unnest($1::text[], $2::bigint[]) AS held (name, number) "
    "WHERE l.name = held.name AND l.number = held.number AND l.holder <> '' RETURNING l.name, l.counter) "
    f"{SEEN}, r.counter FROM cluster_leases l LEFT JOIN renewed r ON r.name = l.name"
)
"""The last column: the counter of what was renewed, NULL of all others, also of what is ours no more."""

TAKE_FIRST = (
    "WITH made AS (INSERT INTO cluster_leases (name, holder, number, counter, renewed_ns) "
    f"VALUES ($1, $2, {NEXT}, 0, {NOW_NS}) ON CONFLICT (name) DO NOTHING RETURNING number, counter) "
    f"SELECT number, counter, {TELL} FROM made"
)

TAKE = (
    f"WITH made AS (UPDATE cluster_leases SET holder = $2, number = {NEXT}, counter = counter + 1, "
    f"renewed_ns = {NOW_NS} WHERE name = $1 AND number = $3 AND counter = $4 RETURNING number, counter) "
    f"SELECT number, counter, {TELL} FROM made"
)

FORGET = (
    "WITH gone AS (DELETE FROM cluster_leases WHERE holder = '' AND name LIKE 'node %' AND name NOT IN (SELECT name "
    "FROM cluster_leases WHERE holder = '' AND name LIKE 'node %' ORDER BY number DESC LIMIT $1) RETURNING name) "
    "DELETE FROM cluster_nodes WHERE 'node ' || name IN (SELECT name FROM gone)"
)
"""Nodes that have gone, but for the last of them."""

# Nodes

DESCRIBE = (
    "INSERT INTO cluster_nodes (name, incarnation, address, version, draining, cpu_ppm, loads) "
    "VALUES ($1, $2, $3, $4, FALSE, 0, '{}') ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation, "
    "address = excluded.address, version = excluded.version, draining = FALSE, cpu_ppm = 0, loads = '{}'"
)

MEASURED = "UPDATE cluster_nodes SET cpu_ppm = $3, loads = $4 WHERE name = $1 AND incarnation = $2"

DRAIN = (
    "WITH done AS (UPDATE cluster_nodes SET draining = $2 WHERE name = $1 RETURNING name) "
    f"SELECT name, {TELL} FROM done"
)

NODES = "SELECT name, incarnation, address, version, draining, cpu_ppm, loads FROM cluster_nodes"

# Streams

STREAMS = "SELECT stream, node, incarnation, number, taken, epoch, wanted, pinned, changed FROM cluster_streams"

ENROLL = (
    "WITH made AS (INSERT INTO cluster_streams (stream, node, incarnation, number, taken, epoch, wanted, pinned, changed) "
    "SELECT stream, '', 0, 0, 0, 0, '', '', 1 FROM (SELECT stream FROM heads UNION SELECT unnest($1::text[])) AS known (stream) "
    "WHERE NOT EXISTS (SELECT FROM cluster_streams there WHERE there.stream = known.stream) ORDER BY stream "
    f"ON CONFLICT (stream) DO NOTHING RETURNING stream) SELECT {TELL} FROM made LIMIT 1"
)

TERM = (
    "WITH term AS (SELECT 1 FROM cluster_leases WHERE name = $1 AND number = $2 AND holder <> '' FOR SHARE), done AS "
)
"""Whoever has had the coordinator's lease and has it no more assigns nothing: it changes hands before or after, not meanwhile."""

ASSIGN = (
    f"{TERM} (UPDATE cluster_streams SET node = $5, incarnation = $6, number = number + 1, wanted = '', changed = changed + 1 "
    "FROM term WHERE stream = $3 AND changed = $4 AND NOT EXISTS (SELECT FROM cluster_leases own "
    "WHERE own.name = 'node ' || node AND own.number = incarnation AND own.holder <> '') RETURNING stream) "
    f"SELECT stream, {TELL} FROM done"
)
"""Not while its owner holds its lease: whoever coordinates may have looked before that node came."""

WANT = (
    f"{TERM} (UPDATE cluster_streams SET wanted = $5, changed = changed + 1 "
    f"FROM term WHERE stream = $3 AND changed = $4 RETURNING stream) SELECT stream, {TELL} FROM done"
)

TAKEN = (
    "WITH done AS (UPDATE cluster_streams SET taken = number, epoch = $5, changed = changed + 1 "
    "WHERE stream = $1 AND node = $2 AND incarnation = $3 AND number = $4 RETURNING stream) "
    f"SELECT stream, {TELL} FROM done"
)

HAND_OVER = (
    "WITH done AS (UPDATE cluster_streams SET node = wanted, incarnation = $6, number = number + 1, wanted = '', "
    "changed = changed + 1 WHERE stream = $1 AND node = $2 AND incarnation = $3 AND number = $4 AND wanted = $5 "
    f"AND wanted <> '' RETURNING stream) SELECT stream, {TELL} FROM done"
)

PIN = (
    "WITH done AS (UPDATE cluster_streams SET pinned = $2, changed = changed + 1 WHERE stream = $1 RETURNING stream) "
    f"SELECT stream, {TELL} FROM done"
)

# Links

OFFER_SECRET = "INSERT INTO cluster_secret (one, secret) VALUES (TRUE, $1) ON CONFLICT (one) DO NOTHING"

SECRET = "SELECT secret FROM cluster_secret"
