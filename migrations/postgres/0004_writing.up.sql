-- Numbers are sequences, which leave no dead versions behind, however often they are set. Only who writes sets them, so
-- they grow in the order of the commits. The fence is how often somebody has written.
create sequence fence minvalue 0 start 0;
create sequence number_key;
create sequence number_lease;
create sequence number_seq;

-- Writes one transaction of a writer, on condition that nobody else has written since it looked (p_fence; null: it has
-- the lock already). One call, so that it costs one trip. Of every pair of arrays the elements at a place are one row.
create function write(
    p_fence bigint,
    p_relaxed boolean,
    p_key bigint,
    p_lease bigint,
    p_seq bigint,
    edges_to_gone bigint[],
    edges_of_gone bigint[],
    edge_target bigint[],
    edge_waiter bigint[],
    due_gone_at bigint[],
    due_gone_key bigint[],
    due_at bigint[],
    due_key bigint[],
    aside_gone_state smallint[],
    aside_gone_key bigint[],
    aside_state smallint[],
    aside_key bigint[],
    lane_id bigint[],
    lane_type text[],
    lane_body text[],
    task_key bigint[],
    task_id uuid[],
    task_parent bigint[],
    task_parent_id uuid[],
    task_root bigint[],
    task_root_id uuid[],
    task_step text[],
    task_place_group text[],
    task_group_size integer[],
    task_idempotency_key text[],
    task_created_at bigint[],
    task_body text[],
    task_input text[],
    task_description text[],
    task_labels text[],
    born_key bigint[],
    born_state smallint[],
    born_lane bigint[],
    born_rank bigint[],
    born_queued boolean[],
    born_session uuid[],
    born_worker uuid[],
    born_lease bigint[],
    born_attempt integer[],
    born_last_event bigint[],
    born_started_at bigint[],
    born_finished_at bigint[],
    born_output text[],
    born_more text[],
    life_key bigint[],
    life_state smallint[],
    life_lane bigint[],
    life_rank bigint[],
    life_queued boolean[],
    life_session uuid[],
    life_worker uuid[],
    life_lease bigint[],
    life_attempt integer[],
    life_last_event bigint[],
    life_started_at bigint[],
    life_finished_at bigint[],
    life_output text[],
    life_more text[],
    result_key bigint[],
    result_output text[],
    result_error text[],
    event_seq bigint[],
    event_task bigint[],
    event_previous bigint[],
    event_at bigint[],
    event_kind smallint[],
    event_state smallint[],
    event_attempt integer[],
    event_worker uuid[],
    event_more text[],
    step_task bigint[],
    step_name text[],
    step_output text[],
    log_task bigint[],
    log_seq bigint[],
    log_at bigint[],
    log_stream text[],
    log_line bytea[],
    totals double precision[],
    start_before bigint,
    start_lane bigint[],
    start_at bigint[],
    start_n integer[],
    session_id uuid[],
    session_expires_at bigint[],
    session_body text[],
    session_gone uuid[]
) returns void
language plpgsql as $$
declare
    stood bigint;
begin
    if p_relaxed then
        perform set_config('synchronous_commit', 'off', true);
    end if;
    if p_fence is not null then
        perform pg_advisory_xact_lock(hashtext(current_schema()), 7421);
        select last_value into stood from fence;
        if stood <> p_fence then
            raise exception 'somebody else has written' using errcode = 'OR001';
        end if;
        perform setval('fence', stood + 1);
    end if;
    perform setval('number_key', p_key, false), setval('number_lease', p_lease, false), setval('number_seq', p_seq, false);
    if cardinality(edges_to_gone) > 0 then
        delete from edge where target = any (edges_to_gone);
    end if;
    if cardinality(edges_of_gone) > 0 then
        delete from edge where waiter = any (edges_of_gone);
    end if;
    if cardinality(edge_target) > 0 then
        insert into edge (target, waiter) select * from unnest(edge_target, edge_waiter) on conflict do nothing;
    end if;
    if cardinality(due_gone_at) > 0 then
        delete from due using unnest(due_gone_at, due_gone_key) as v (at, key) where due.at = v.at and due.key = v.key;
    end if;
    if cardinality(due_at) > 0 then
        insert into due (at, key) select * from unnest(due_at, due_key);
    end if;
    if cardinality(aside_gone_state) > 0 then
        delete from aside using unnest(aside_gone_state, aside_gone_key) as v (state, key)
        where aside.state = v.state and aside.key = v.key;
    end if;
    if cardinality(aside_state) > 0 then
        insert into aside (state, key) select * from unnest(aside_state, aside_key);
    end if;
    if cardinality(lane_id) > 0 then
        insert into lane (id, task_type, body) select * from unnest(lane_id, lane_type, lane_body);
    end if;
    if cardinality(task_key) > 0 then
        insert into task (key, id, parent, parent_id, root, root_id, step, place_group, group_size, idempotency_key, created_at, body, input, description, labels)
        select v.key, v.id, v.parent, v.parent_id, v.root, v.root_id, v.step, v.place_group, v.group_size, v.idempotency_key, v.created_at, v.body, v.input, v.description, v.labels::text[]
        from unnest(task_key, task_id, task_parent, task_parent_id, task_root, task_root_id, task_step, task_place_group, task_group_size, task_idempotency_key, task_created_at, task_body, task_input, task_description, task_labels) as v (key, id, parent, parent_id, root, root_id, step, place_group, group_size, idempotency_key, created_at, body, input, description, labels);
        insert into life (key, state, lane, rank, queued, session, worker, lease, attempt, last_event, started_at, finished_at, output, more)
        select * from unnest(born_key, born_state, born_lane, born_rank, born_queued, born_session, born_worker, born_lease, born_attempt, born_last_event, born_started_at, born_finished_at, born_output, born_more);
    end if;
    if cardinality(life_key) > 0 then
        update life set state = v.state, lane = v.lane, rank = v.rank, queued = v.queued, session = v.session, worker = v.worker, lease = v.lease, attempt = v.attempt, last_event = v.last_event, started_at = v.started_at, finished_at = v.finished_at, output = v.output, more = v.more
        from unnest(life_key, life_state, life_lane, life_rank, life_queued, life_session, life_worker, life_lease, life_attempt, life_last_event, life_started_at, life_finished_at, life_output, life_more) as v (key, state, lane, rank, queued, session, worker, lease, attempt, last_event, started_at, finished_at, output, more)
        where life.key = v.key;
    end if;
    if cardinality(result_key) > 0 then
        insert into result (key, output, error) select * from unnest(result_key, result_output, result_error)
        on conflict (key) do update set output = excluded.output, error = excluded.error;
    end if;
    if cardinality(event_seq) > 0 then
        insert into event (seq, task, previous, at, kind, state, attempt, worker, more)
        select * from unnest(event_seq, event_task, event_previous, event_at, event_kind, event_state, event_attempt, event_worker, event_more);
    end if;
    if cardinality(step_task) > 0 then
        insert into step (task, name, output) select * from unnest(step_task, step_name, step_output);
    end if;
    if cardinality(log_task) > 0 then
        insert into log (task, seq, at, stream, line)
        select * from unnest(log_task, log_seq, log_at, log_stream, log_line);
    end if;
    if cardinality(totals) > 0 then
        insert into total (n) values (totals);
    end if;
    if start_before is not null then
        delete from start where at < start_before;
        insert into start (lane, at, n) select * from unnest(start_lane, start_at, start_n)
        on conflict (lane, at) do update set n = start.n + excluded.n;
    end if;
    if cardinality(session_gone) > 0 then
        delete from session where id = any (session_gone);
    end if;
    if cardinality(session_id) > 0 then
        insert into session (id, expires_at, body) select * from unnest(session_id, session_expires_at, session_body)
        on conflict (id) do update set expires_at = excluded.expires_at, body = excluded.body;
    end if;
end
$$;
