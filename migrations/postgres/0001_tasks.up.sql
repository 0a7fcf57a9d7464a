-- Everything that placement may depend on; tasks that are alike in it queue in one lane.
create table lane (
    id bigint primary key,
    task_type text not null,
    body text not null -- JSON
);

-- What was submitted. Rows never change, however often the task does: a large input is written once.
create table task (
    key bigint primary key,
    id uuid not null,
    parent bigint, -- null: it is the topmost of its tree
    parent_id uuid,
    root bigint, -- null: itself
    root_id uuid,
    step text, -- its name within its parent
    place_group text, -- the siblings with which it shares places
    group_size integer,
    idempotency_key text,
    created_at bigint not null, -- microseconds since 1970, like every time here
    body text not null, -- JSON: the task as submitted, without its input if that is large
    input text, -- JSON, if it is large
    description text, -- to be searched: small letters
    labels text[] -- to be searched: key=value
);
create unique index task_id on task (id);
create unique index task_child on task (parent, step) where parent is not null;
create index task_root on task (root) where root is not null;
create index task_place on task (parent, place_group) where place_group is not null;
create unique index task_idempotency on task (idempotency_key) where idempotency_key is not null;
create index task_labels on task using gin (labels) where labels is not null;

-- Where each task is in its life. Narrow, since every change of state writes it; for the same reason it has the indexes
-- only that claims and sessions need. The states:
-- 0 blocked, 1 scheduled, 2 ready, 3 running, 4 waiting, 5 paused, 6 needs_attention, 7 succeeded, 8 failed, 9 cancelled
create table life (
    key bigint primary key,
    state smallint not null,
    lane bigint not null,
    rank bigint not null, -- where it stands in its lane while it is ready
    queued boolean not null, -- blocked for want of a place in its group
    session uuid, -- which holds the lease, or held it last
    worker uuid,
    lease bigint,
    attempt integer not null,
    last_event bigint not null,
    started_at bigint,
    finished_at bigint,
    output text, -- JSON, if it is small
    more text -- JSON: what is rarely there and never searched by
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_limit = 2000);
create index life_ready on life (lane, rank, key) where state = 2;
create index life_leased on life (session, lane) where state = 3;

-- When a timer must look at which task.
create table due (
    at bigint not null,
    key bigint not null,
    primary key (at, key)
);

-- Tasks that are neither ready nor running nor have succeeded: few in a healthy system, and often asked for.
create table aside (
    state smallint not null,
    key bigint not null,
    primary key (state, key)
);

-- What tasks gave if it is large, and why they failed last.
create table result (
    key bigint primary key,
    output text, -- JSON
    error text -- JSON
);

-- Who waits for whom.
create table edge (
    target bigint not null,
    waiter bigint not null,
    primary key (target, waiter)
);
create index edge_waiter on edge (waiter);

-- How the number of tasks in each state, and what all have spent, changed: to be summed up. A row is added with every
-- transaction, so that none waits for another's or leaves a dead version behind; now and then they become one.
create table total (
    id bigint generated always as identity primary key,
    n double precision[] not null -- the states, then input, output and cached tokens, billionths of a dollar, seconds
);
