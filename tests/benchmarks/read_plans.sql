-- Fills a migrated, empty database with 2 000 runs and 1 000 000 events and shows the plan of every hot read.
-- Used by `make read-plans`, which runs each section and prints what it answers; the result is in docs/database.md.
-- name: fill
INSERT INTO runs_run (id, project_id, status, mode, mode_name, runtime_kind, session_id, session_opener, traceparent, request_digest, request,
    tags, metadata, last_seq, last_raw_seq, ending_seq, ended_at, late_count, lease_epoch, recovery_attempts, cleanup_errors, cleanup_attempts,
    created_at, updated_at)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001',
    CASE WHEN n > 1990 THEN 'running' ELSE 'completed' END, 'live', 'macp.mode.decision.v1', 'scripted', 's' || n, 'control-plane', '', '', '{}',
    ARRAY['team-' || n % 20], '{}', 500, 0, CASE WHEN n > 1990 THEN NULL ELSE 500 END,
    CASE WHEN n > 1990 THEN NULL ELSE now() END, 0, 0, 0, '[]', 0, now() - n * interval '1 minute', now()
FROM generate_series(1, 2000) AS n;
INSERT INTO runs_event (id, run_id, project_id, seq, ts, created_at, type, source_kind, source_name, lease_epoch, data)
SELECT gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(to_hex(r), 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001', s,
    now() - r * interval '1 minute' + s * interval '50 milliseconds', now(),
    CASE WHEN s = 500 AND r <= 1990 THEN 'run.completed' WHEN s % 10 = 0 THEN 'proposal.updated' ELSE 'message.received' END,
    'runtime', 'rust-runtime', 0, '{"messageType": "Note"}'
FROM generate_series(1, 2000) AS r, generate_series(1, 500) AS s;
ANALYZE runs_run; ANALYZE runs_event;
-- name: a page of one run, as lists and streams read it
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) SELECT * FROM runs_event
    WHERE run_id = '00000000-0000-7000-8000-000000000100' AND seq > 200 ORDER BY seq LIMIT 256;
-- name: one run by type
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) SELECT * FROM runs_event
    WHERE run_id = '00000000-0000-7000-8000-000000000100' AND seq > 0 AND type IN ('proposal.updated') ORDER BY seq LIMIT 200;
-- name: the feed across runs
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) SELECT * FROM runs_event
    WHERE project_id = '00000000-0000-7000-8000-000000000001' AND ts >= now() - interval '3 hours' ORDER BY ts, run_id, seq LIMIT 500;
-- name: newest runs of a project
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) SELECT id FROM runs_run
    WHERE project_id = '00000000-0000-7000-8000-000000000001' ORDER BY created_at DESC, id DESC LIMIT 50;
-- name: runs by tag
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) SELECT id FROM runs_run WHERE tags @> ARRAY['team-3'];
-- name: the claim: open runs that nobody living owns
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON) SELECT r.id FROM runs_run r
    WHERE r.ending_seq IS NULL AND (r.observer_id IS NULL
        OR EXISTS (SELECT 1 FROM runs_observer o WHERE o.id = r.observer_id AND o.lost_at IS NOT NULL))
    ORDER BY r.created_at LIMIT 50 FOR NO KEY UPDATE OF r SKIP LOCKED;
-- name: the poll of live lists: which runs have moved
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY ON)
    SELECT DISTINCT run_id::text FROM runs_event
        WHERE project_id = '00000000-0000-7000-8000-000000000001' AND ts >= now() - interval '2 seconds'
    UNION SELECT resource_id FROM runs_auditentry
        WHERE project_id = '00000000-0000-7000-8000-000000000001' AND created_at >= now() - interval '2 seconds'
            AND resource = 'run' AND resource_id IS NOT NULL;
