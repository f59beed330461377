-- What the lint of tests/sql_lint.py must refuse, by rule, and what it must accept. See test_sql_rules.py.

-- rule 1: a writing CTE
WITH turn AS (UPDATE reader SET op = reader.op + 1 WHERE reader.reader_id = $1::UUID RETURNING reader.op)
SELECT turn.op FROM turn

-- rule 1: a lock and a join
SELECT reader.op FROM reader JOIN account ON account.user_id = reader.reader_id
WHERE reader.reader_id = $1::UUID FOR UPDATE

-- rule 1: a lock and a CTE
WITH state AS MATERIALIZED (SELECT line.lane FROM line WHERE line.reader_id = $1::UUID) SELECT state.lane
FROM state FOR UPDATE

-- rule 1: a lock and a subquery
SELECT (SELECT max(sweep.op) FROM sweep) FROM reader WHERE reader.reader_id = $1::UUID FOR UPDATE

-- rule 1: a lock within a write
DELETE FROM sweep WHERE sweep.op IN (SELECT sweep.op FROM sweep
WHERE sweep.reader_id = $1::UUID FOR UPDATE)

-- rule 1: an INSERT that reads a stream
INSERT INTO sweep (reader_id, lane, upto) SELECT $1::UUID, lane.lane, lane.head FROM lane
WHERE lane.stream_id = $2::UUID

-- rule 1: an UPDATE that reads a reader
UPDATE line SET seen = sweep.was_seen FROM sweep WHERE sweep.reader_id = $1::UUID
AND line.reader_id = $1::UUID

-- rule 1: a DELETE that reads a stream
DELETE FROM mark WHERE mark.reader_id = $1::UUID AND EXISTS (SELECT 1 FROM ending
WHERE ending.stream_id = mark.stream_id AND ending.stream_id = $2::UUID)

-- rule 2: reader state outside of a CTE
SELECT lane.head - line.seen FROM lane LEFT OUTER JOIN line ON line.stream_id = lane.stream_id
AND line.reader_id = $2::UUID WHERE lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- rule 2: a CTE that is not MATERIALIZED
WITH state AS (SELECT line.lane FROM line WHERE line.reader_id = $2::UUID) SELECT lane.head FROM lane
JOIN state ON state.lane = lane.lane WHERE lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- rule 2: two CTEs of reader state
WITH lines AS MATERIALIZED (SELECT line.lane FROM line WHERE line.reader_id = $2::UUID),
marks AS MATERIALIZED (SELECT mark.lane FROM mark WHERE mark.reader_id = $2::UUID) SELECT lane.head
FROM lane JOIN lines ON lines.lane = lane.lane JOIN marks ON marks.lane = lane.lane
WHERE lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- rule 2: a stream within the CTE of reader state
WITH state AS MATERIALIZED (SELECT line.lane FROM line JOIN lane ON lane.lane = line.lane
AND lane.stream_id = ANY (CAST($1::UUID[] AS UUID[])) WHERE line.reader_id = $2::UUID) SELECT state.lane
FROM state

-- rule 2: reader state of every reader
WITH state AS MATERIALIZED (SELECT line.lane FROM line WHERE line.seen > $2::BIGINT) SELECT lane.head
FROM lane JOIN state ON state.lane = lane.lane
WHERE lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- rule 3: streams from a subquery
SELECT lane.head FROM lane WHERE lane.stream_id IN (SELECT membership.stream_id FROM membership
WHERE membership.user_id = $1::UUID)

-- rule 3: streams from a scalar subquery
SELECT lane.head FROM lane WHERE lane.stream_id = (SELECT business.business_id FROM business
WHERE business.firm_id = $1::UUID)

-- rule 3: streams from unnest alone
SELECT lane.head FROM lane
JOIN unnest($1::UUID[]) AS wanted(stream_id) ON wanted.stream_id = lane.stream_id

-- rule 3: streams from = ANY (SELECT unnest())
SELECT lane.head FROM lane WHERE lane.stream_id = ANY (SELECT unnest($1::UUID[]))

-- rule 3: an UPDATE's streams from unnest alone
UPDATE stream SET last_at = tails.at FROM unnest($1::UUID[], $2::TIMESTAMP WITH TIME ZONE[])
AS tails(stream_id, at) WHERE stream.stream_id = tails.stream_id

-- rule 4: no filter at all
SELECT sum(lane.head) FROM lane

-- rule 4: a filter on one of two joined tables
SELECT lane.head FROM lane JOIN ending ON ending.stream_id = lane.stream_id AND ending.lane = lane.lane
WHERE lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- rule 4: a filter that is one of two choices
SELECT lane.head FROM lane WHERE lane.stream_id = $1::UUID OR lane.head > $2::BIGINT

-- rule 4: a filter on the wrong side of an outer join
SELECT lane.head FROM lane LEFT OUTER JOIN ending ON ending.stream_id = lane.stream_id
AND lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))
AND ending.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- rule 4: a range instead of an equality
SELECT lane.head FROM lane WHERE lane.stream_id >= $1::UUID

-- rule 4: a probe into an unfiltered table
SELECT (SELECT max(ending.position) FROM ending WHERE ending.stream_id = lane.stream_id) FROM lane

-- rule 4: a lateral lookup that nothing filters
SELECT ended.position FROM unnest($1::INTEGER[]) AS wanted(lane) JOIN LATERAL (SELECT ending.stream_id,
ending.position FROM ending WHERE ending.lane = wanted.lane OFFSET 0) AS ended ON true

-- rule 4: a lateral lookup that is filtered on the wrong side of an outer join
SELECT lane.head FROM lane LEFT OUTER JOIN LATERAL (SELECT ending.stream_id FROM ending
WHERE ending.lane = lane.lane OFFSET 0) AS ended ON lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))
WHERE lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- rule 4: a lateral lookup over two tables, of which the filter means one
SELECT ended.position FROM unnest($1::INTEGER[]) AS wanted(lane) JOIN LATERAL (SELECT ending.stream_id,
ending.position FROM ending JOIN expiry ON expiry.lane = ending.lane WHERE ending.lane = wanted.lane OFFSET 0)
AS ended ON ended.stream_id = ANY (CAST($2::UUID[] AS UUID[]))

-- accepted: a lateral lookup that is filtered where it is joined
SELECT ended.position FROM unnest($1::INTEGER[]) AS wanted(lane) LEFT OUTER JOIN LATERAL (SELECT ending.stream_id,
ending.position FROM ending WHERE ending.lane = wanted.lane OFFSET 0) AS ended
ON ended.stream_id = ANY (CAST($2::UUID[] AS UUID[]))

-- rule 4: a DELETE of every stream
DELETE FROM expiry WHERE expiry.expires_at < $1::TIMESTAMP WITH TIME ZONE

-- rule 4: notifications of several streams
SELECT notification.id FROM notification WHERE notification.stream_id = ANY (CAST($1::UUID[] AS UUID[]))
ORDER BY notification.created_at DESC LIMIT $2::INTEGER

-- rule 4: notifications without a LIMIT
SELECT notification.id FROM notification WHERE notification.stream_id = $1::UUID
AND notification.lane = $2::INTEGER

-- rule 4: a notification by id, in any stream
SELECT notification.seq FROM notification WHERE notification.id = $1::UUID

-- rule 9: the server's clock in an INSERT
INSERT INTO reader (reader_id, last_at) VALUES ($1::UUID, now())

-- rule 9: the server's clock in an UPDATE
UPDATE reader SET last_at = CURRENT_TIMESTAMP WHERE reader.reader_id = $1::UUID

-- rule 9: the server's clock in a DELETE
DELETE FROM operation WHERE operation.at < clock_timestamp()

-- rule 9: the server's clock in RETURNING
UPDATE reader SET op = $2::BIGINT WHERE reader.reader_id = $1::UUID
RETURNING reader.op, clock_timestamp()

-- rule 9: a random value
UPDATE reader SET op = random() WHERE reader.reader_id = $1::UUID

-- rule 9: an id made by the server
INSERT INTO firm (firm_id, name) VALUES (gen_random_uuid(), $1::VARCHAR)

-- rule 10: a lock by a part of the key
SELECT lane.head FROM lane WHERE lane.stream_id = $1::UUID FOR UPDATE

-- rule 10: a lock of several rows
SELECT reader.op FROM reader WHERE reader.reader_id IN ($1::UUID, $2::UUID) FOR UPDATE

-- rule 10: a lock by a range
SELECT reader.op FROM reader WHERE reader.unfolded > $1::BIGINT FOR UPDATE

-- rule 10: a lock by its key and something else
SELECT reader.op FROM reader WHERE reader.reader_id = $1::UUID AND reader.op > $2::BIGINT FOR UPDATE

-- rule 10: a lock that does not wait
SELECT reader.op FROM reader WHERE reader.reader_id = $1::UUID FOR UPDATE SKIP LOCKED

-- accepted: a lock by its key
SELECT reader.op, clock_timestamp() AS clock FROM reader
WHERE reader.reader_id = $1::UUID FOR UPDATE

-- accepted: an upsert of rows that it was handed
INSERT INTO lane (stream_id, head) SELECT new.stream_id, new.head FROM unnest($1::UUID[], $2::BIGINT[])
AS new(stream_id, head) WHERE true
ON CONFLICT (stream_id) DO UPDATE SET head = (lane.head + excluded.head) RETURNING lane.head

-- accepted: an UPDATE with streams as parameters beside unnest
UPDATE stream SET last_at = tails.at FROM unnest($1::UUID[], $2::TIMESTAMP WITH TIME ZONE[])
AS tails(stream_id, at) WHERE stream.stream_id = tails.stream_id
AND stream.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- accepted: a DELETE by its key
DELETE FROM sweep WHERE sweep.reader_id = $1::UUID AND sweep.op = $2::BIGINT

-- accepted: reader state in one CTE, streams filtered twice
WITH state AS MATERIALIZED (SELECT line.lane FROM line WHERE line.reader_id = $2::UUID UNION ALL
SELECT mark.lane FROM line JOIN mark ON mark.reader_id = line.reader_id WHERE line.reader_id = $2::UUID)
SELECT lane.head FROM lane JOIN ending ON ending.stream_id = lane.stream_id
AND ending.stream_id = ANY (CAST($1::UUID[] AS UUID[])) LEFT OUTER JOIN state ON state.lane = lane.lane
WHERE lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- accepted: reader state alone, of one reader
SELECT line.seen FROM line JOIN mark ON mark.reader_id = line.reader_id
WHERE line.reader_id = $1::UUID

-- accepted: a probe from a filtered table
SELECT lane.lane, (SELECT notification.position FROM notification
WHERE notification.stream_id = lane.stream_id AND notification.lane = lane.lane
ORDER BY notification.id DESC LIMIT 1) FROM lane
WHERE lane.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- accepted: a branch a stream
SELECT id FROM (SELECT notification.id FROM notification
WHERE notification.stream_id = $1::UUID LIMIT 5) AS a UNION ALL SELECT id FROM (SELECT notification.id
FROM notification WHERE notification.stream_id = $2::UUID LIMIT 5) AS b

-- accepted: notifications by id in the reader's streams
SELECT notification.seq FROM notification WHERE notification.id = $2::UUID
AND notification.stream_id = ANY (CAST($1::UUID[] AS UUID[]))

-- accepted: a text that only names a clock
INSERT INTO firm (firm_id, name) VALUES ($1::UUID, 'now()')

-- accepted: a list of streams
SELECT lane.head FROM lane WHERE lane.stream_id IN ($1::UUID, $2::UUID)

-- accepted: what is replicated
SELECT event.number FROM event JOIN topic ON topic.topic = event.topic

-- rule 10: a lock of a replicated row by something else than its key
SELECT account.user_id FROM account WHERE account.email = $1::VARCHAR FOR UPDATE
