"""Statements on nodes, leases and who owns which stream: PostgreSQL's alone, since a file has one process.

Rule: each is a transaction of its own, which changes leases, a node or streams, and each of them only as it was read. Where there
are several streams, they are locked in the order of their names, so that no two wait for each other.
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
    "(SELECT coalesce(sum(changed), 0)::bigint FROM cluster_streams), v.level, v.changes"
)

LOOK = f"{SEEN}, NULL::bigint FROM cluster_level v LEFT JOIN cluster_leases l ON TRUE"
"""One row at least, also where nobody has ever had a lease: of that the level is to be known as well."""

RENEW = (
    f"WITH renewed AS (UPDATE cluster_leases l SET counter = l.counter + 1, renewed_ns = {NOW_NS} "
    "FROM unnest($1::text[], $2::bigint[]) AS held (name, number) "
    "WHERE l.name = held.name AND l.number = held.number AND l.holder <> '' RETURNING l.name, l.counter) "
    f"{SEEN}, r.counter FROM cluster_level v, cluster_leases l LEFT JOIN renewed r ON r.name = l.name"
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
    "INSERT INTO cluster_nodes (name, incarnation, address, version, draining, cpu_ppm, loads, level) "
    "VALUES ($1, $2, $3, $4, FALSE, 0, '{}', $5) ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation, "
    "address = excluded.address, version = excluded.version, draining = FALSE, cpu_ppm = 0, loads = '{}', "
    "level = excluded.level, conditions = '[]'"
)

MEASURED = "UPDATE cluster_nodes SET cpu_ppm = $3, loads = $4, conditions = $5 WHERE name = $1 AND incarnation = $2"

OWNED = (
    "house AS (SELECT 1 WHERE $3 = '' UNION ALL "
    "SELECT 1 FROM locked WHERE stream = 'house' AND node = $3 AND incarnation = $4 AND number = $5)"
)
"""Whoever acts for the house does nothing once that is somebody else's. Its row is locked: it changes hands before or after,
not meanwhile. (Who acts by hand, as nobody, has nothing to show.)"""

WHETHER = f"SELECT (SELECT count(*) FROM house) > 0, (SELECT count({TELL}) FROM done) > 0"
"""Whether it was theirs to do, and whether it was done."""

DRAIN = (
    "WITH locked AS (SELECT stream, node, incarnation, number FROM cluster_streams WHERE stream = 'house' FOR UPDATE), "
    f"{OWNED}, done AS (UPDATE cluster_nodes SET draining = $2 FROM house WHERE name = $1 RETURNING name) "
    f"{WHETHER}"
)

NODES = "SELECT name, incarnation, address, version, draining, cpu_ppm, loads, level, conditions FROM cluster_nodes"

# The level

LEVEL = "SELECT level FROM cluster_level"

SET_LEVEL = (
    "UPDATE cluster_level SET level = $1, changes = changes + 1 WHERE level = $2 AND (level = $1 OR changes = $3) "
    "RETURNING level"
)

RAISE_LEVEL = "UPDATE cluster_level SET level = $1, changes = changes + 1 WHERE level < $1"
"""For whoever has the database alone."""

# Streams

STREAMS_SINCE = (
    "SELECT now.up_to, s.stream, s.node, s.incarnation, s.number, s.taken, s.epoch, s.wanted, s.pinned, s.changed "
    "FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text AS up_to) AS now "
    "LEFT JOIN cluster_streams s ON $1::text IS NULL OR age(s.xmin) <= age($1::text::xid)"
)
"""Of streams those that have changed since a reading (NULL: all), and some more; a row at least, which says what is to be given
the next time. That is the oldest transaction which then went on: whatever was written by it or after it may not have been seen.
(The numbers of transactions begin anew after two thousand million of them: then more is read than has changed, never less.)"""

ENROLL = (
    "WITH made AS (INSERT INTO cluster_streams (stream, node, incarnation, number, taken, epoch, wanted, pinned, changed) "
    "SELECT stream, '', 0, 0, 0, 0, '', '', 1 FROM (SELECT stream FROM heads UNION SELECT unnest($1::text[])) AS known (stream) "
    "WHERE NOT EXISTS (SELECT FROM cluster_streams there WHERE there.stream = known.stream) ORDER BY stream "
    f"ON CONFLICT (stream) DO NOTHING RETURNING stream) SELECT {TELL} FROM made LIMIT 1"
)

TERM = "WITH term AS (SELECT 1 FROM cluster_leases WHERE name = $1 AND number = $2 AND holder <> '' FOR SHARE)"
"""Whoever has had the coordinator's lease and has it no more assigns nothing: it changes hands before or after, not meanwhile."""

LOCKED = "SELECT stream FROM cluster_streams WHERE stream = ANY({streams}) ORDER BY stream FOR UPDATE"

ASSIGN = (
    f"{TERM}, locked AS ({LOCKED.format(streams='$3')}), done AS (UPDATE cluster_streams s "
    "SET node = v.node, incarnation = v.incarnation, number = s.number + 1, wanted = '', changed = s.changed + 1 "
    "FROM term, locked JOIN unnest($3::text[], $4::bigint[], $5::text[], $6::bigint[]) AS v (stream, changed, node, incarnation) "
    "USING (stream) WHERE s.stream = locked.stream AND s.changed = v.changed AND NOT EXISTS (SELECT FROM cluster_leases own "
    "WHERE own.name = 'node ' || s.node AND own.number = s.incarnation AND own.holder <> '') RETURNING s.stream) "
    f"SELECT stream, {TELL} FROM done"
)
"""Not while its owner holds its lease: whoever coordinates may have looked before that node came."""

WANT = (
    f"{TERM}, done AS (UPDATE cluster_streams SET wanted = $5, changed = changed + 1 "
    f"FROM term WHERE stream = $3 AND changed = $4 RETURNING stream) SELECT stream, {TELL} FROM done"
)

TAKEN = (
    f"WITH locked AS ({LOCKED.format(streams='$1')}), done AS (UPDATE cluster_streams s "
    "SET taken = s.number, epoch = v.epoch, changed = s.changed + 1 FROM locked "
    "JOIN unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) "
    "AS v (stream, node, incarnation, number, epoch) USING (stream) "
    "WHERE s.stream = locked.stream AND s.node = v.node AND s.incarnation = v.incarnation AND s.number = v.number "
    f"RETURNING s.stream) SELECT {TELL} FROM done LIMIT 1"
)

HAND_OVER = (
    "WITH done AS (UPDATE cluster_streams SET node = wanted, incarnation = $6, number = number + 1, wanted = '', "
    "changed = changed + 1 WHERE stream = $1 AND node = $2 AND incarnation = $3 AND number = $4 AND wanted = $5 "
    f"AND wanted <> '' RETURNING stream) SELECT stream, {TELL} FROM done"
)

WISHED = (
    "WITH locked AS (SELECT stream, node, incarnation, number FROM cluster_streams WHERE stream = ANY(ARRAY['house', $1]) "
    f"ORDER BY stream FOR UPDATE), {OWNED}, "
    "done AS (UPDATE cluster_streams SET {changes}, changed = changed + 1 FROM house WHERE stream = $1 RETURNING stream) "
    f"{WHETHER}"
)

PIN = WISHED.replace("{changes}", "pinned = $2")

MOVE = WISHED.replace(
    "{changes}",
    "wanted = CASE WHEN node = $2 THEN '' ELSE $2 END, pinned = CASE WHEN pinned = $2 THEN pinned ELSE '' END",
)

# Links

SECRETS = {"nodes": "cluster_secret", "gateways": "cluster_gateway_secret"}
"""A table for each: who may look into one of them may not look into the other."""

OFFER_SECRET = {
    whose: f"INSERT INTO {table} (one, secret) VALUES (TRUE, $1) ON CONFLICT (one) DO NOTHING"
    for whose, table in SECRETS.items()
}

SECRET = {whose: f"SELECT secret FROM {table}" for whose, table in SECRETS.items()}
