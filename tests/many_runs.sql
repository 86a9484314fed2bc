-- Very many runs, number n from 1, the oldest; see many_runs.py, which puts in what stands in capital letters after a colon.
-- name: observers
INSERT INTO runs_observer (id, host, process_id, version, started_at, beat_at, lost_at)
SELECT gen_random_uuid(), 'host-' || n, n, '1', now() - interval '1 day', now(), CASE WHEN n > 3 THEN now() - interval '2 hours' END
FROM generate_series(1, 1000) AS n;
-- name: runs
INSERT INTO runs_run (id, project_id, status, mode, mode_name, runtime_kind, session_id, session_opener, traceparent, request_digest, request,
    tags, metadata, source_kind, source_ref, last_seq, last_raw_seq, ending_seq, ended_at, error_code, late_count, observer_id, lease_epoch,
    recovery_attempts, cleanup_errors, cleanup_attempts, archived_at, created_at, started_at, last_event_at, hard_deadline, updated_at)
SELECT :RUN, :PROJECT, status, CASE WHEN n % 50 = 1 THEN 'sandbox' ELSE 'live' END,
    'macp.mode.' || (ARRAY['decision', 'task', 'quorum'])[n % 3 + 1] || '.v1',
    CASE WHEN n % 1000 = 2 THEN 'process' WHEN n % 4 = 0 THEN 'scripted' ELSE 'macp' END,
    's-' || n, 'control-plane', '', '', repeat(md5(n::text), 10),
    ARRAY['team-' || n % 20] || CASE WHEN n % (:RUNS / 100) = 7 THEN ARRAY['rare'] ELSE '{}' END,
    jsonb_build_object('environment', 'env-' || n % 10, 'executionRequest', repeat(md5(n::text), 10)),
    'scenario', CASE WHEN n % (:RUNS / 100) = 9 THEN 'nightly/rare' ELSE 'pack/' || n % 40 END, 10, 4,
    CASE WHEN status <> 'running' THEN 10 END, CASE WHEN status <> 'running' THEN at + n % 997 * interval '40 milliseconds' END,
    CASE WHEN status = 'failed' THEN CASE WHEN n % 1000 = 3 THEN 'run_timeout' ELSE 'session_lost' END END, 0,
    CASE WHEN status = 'running' THEN (SELECT id FROM runs_observer WHERE lost_at IS NULL LIMIT 1) END, 1, 0, '[]', 0,
    CASE WHEN n % 20 = 5 AND status <> 'running' THEN now() END, at, at, at, at + interval '1 day', at
FROM (SELECT n, :AT AS at, CASE WHEN n > :RUNS - :OPEN THEN 'running' WHEN n % 10 = 3 THEN 'failed' WHEN n % 100 = 4 THEN 'cancelled'
             ELSE 'completed' END AS status FROM :ALL) AS made;
-- name: projections
INSERT INTO runs_projection (id, run_id, state, private, projected_seq, schema_version)
SELECT gen_random_uuid(), :RUN, replace(:STATE, :NAME, :RUN::text), :PRIVATE, 10, :SCHEMA FROM :ALL;
-- name: events, the last of each run
INSERT INTO runs_event (id, run_id, project_id, seq, ts, created_at, type, source_kind, source_name, lease_epoch, data)
SELECT :EVENT, :RUN, :PROJECT, 10, :AT, :AT, CASE WHEN n > :RUNS - :OPEN THEN 'message.received' WHEN n % 10 = 3 THEN 'run.failed'
    WHEN n % 100 = 4 THEN 'run.cancelled' ELSE 'run.completed' END, 'control-plane', 'signalbox', 1, format('{"number":%s}', n)
FROM :ALL;
-- name: events, a long log
INSERT INTO runs_event (id, run_id, project_id, seq, ts, created_at, type, source_kind, source_name, lease_epoch, data)
SELECT :LOGGED, :LONG, :PROJECT, n, :AT, :AT, CASE WHEN n % 1000 = 0 THEN 'proposal.updated' ELSE 'message.received' END,
    'runtime', 'macp-runtime', 1, '{"sender":"alice","messageType":"Note"}'
FROM generate_series(11, :RUNS) AS n;
UPDATE runs_run SET last_seq = :RUNS WHERE id = :LONG;
-- name: messages
INSERT INTO runs_outboundmessage (id, run_id, message_id, position, category, message_type, sender, recipients, payload_descriptor, status,
    attempt, created_at, updated_at)
SELECT :MESSAGE, :RUN, :MESSAGE, 0, 'message', 'Note', 'lead', '{}', '{}', 'accepted', 1, :AT, :AT FROM :ALL;
-- name: audit entries
INSERT INTO runs_auditentry (id, project_id, actor, actor_type, action, resource, resource_id, details, request_id, created_at)
SELECT :AUDIT, :PROJECT, 'robot-' || n % 50, 'api_key', CASE WHEN n % 1000 = 0 THEN 'run.cancelled' ELSE 'run.created' END, 'run', :RUN::text,
    '{}', 'request-' || n, :AT
FROM :ALL;
-- name: endpoints
INSERT INTO webhooks_endpoint (id, project_id, url, events, tags, header_names, created_by, headers_sealed)
SELECT :ENDPOINT, :PROJECT, 'https://hooks-' || n || '.example/in', '{}', '{}', '{}', 'ann', '' FROM generate_series(0, :ENDPOINTS - 1) AS n;
-- name: deliveries
INSERT INTO webhooks_delivery (id, project_id, endpoint_id, event_type, event_id, run_id, seq, body, status, attempts, due_at, next_attempt_at,
    delivered_at, created_at)
SELECT :DELIVERY, :PROJECT, :LISTENER, 'run.completed', :EVENT, :RUN, 10, '{}', status, 1, CASE WHEN status = 'pending' THEN at END,
    CASE WHEN status = 'pending' THEN at END, CASE WHEN status = 'delivered' THEN at END, at
FROM (SELECT n, :AT AS at, CASE WHEN n % 200 = 1 THEN 'exhausted' WHEN n > :RUNS - 2000 THEN 'pending' ELSE 'delivered' END AS status
        FROM :ALL) AS made;
-- name: attempts
INSERT INTO webhooks_attempt (id, delivery_id, endpoint_id, number, started_at, duration_ms, is_success, response_headers)
SELECT gen_random_uuid(), :DELIVERY, :LISTENER, 1, :AT, n % 90, true, '{}' FROM :ALL;
