-- Everything that placement may depend on; tasks that are alike in it queue in one lane.
create table lane (
    id integer primary key,
    task_type text not null,
    body text not null -- JSON
);

-- What was submitted. Rows never change, however often the task does: a large input is written once.
create table task (
    key integer primary key,
    id blob not null,
    parent integer, -- null: it is the topmost of its tree
    parent_id blob,
    root integer, -- null: itself
    root_id blob,
    step text, -- its name within its parent
    place_group text, -- the siblings with which it shares places
    group_size integer,
    idempotency_key text,
    created_at integer not null, -- microseconds since 1970, like every time here
    body text not null, -- JSON: the task as submitted, without its input if that is large
    input text -- JSON, if it is large
);
create unique index task_id on task (id);
create unique index task_child on task (parent, step) where parent is not null;
create index task_root on task (root) where root is not null;
create index task_place on task (parent, place_group) where place_group is not null;
create unique index task_idempotency on task (idempotency_key) where idempotency_key is not null;

-- Where each task is in its life. Every change of state writes it. So it has no index, and its rows keep their length: what
-- is not there yet is written as something that will never be. The states:
-- 0 blocked, 1 scheduled, 2 ready, 3 running, 4 waiting, 5 paused, 6 needs_attention, 7 succeeded, 8 failed, 9 cancelled
create table life (
    key integer primary key,
    state integer not null,
    lane integer not null,
    rank integer not null, -- where it stands in its lane while it is ready
    queued integer not null, -- blocked for want of a place in its group
    attempt integer not null,
    last_event integer not null,
    lease integer not null, -- its number, more than 2^40; 2^40: none
    last_lease integer not null, -- that was given back in order, likewise
    reported integer not null, -- the highest number of a report item under the current or last lease
    session blob not null, -- which holds the lease, or held it last; zeros: none
    worker blob not null, -- likewise
    started_at integer not null, -- the greatest number: not yet
    finished_at integer not null, -- likewise
    wall blob not null, -- seconds that attempts have run: the eight bytes of a float
    more text -- JSON: what is rarely there and never searched by
);

-- Tasks in state 2, as they stand in their lanes.
create table ready (
    lane integer not null,
    rank integer not null,
    key integer not null,
    primary key (lane, rank, key)
) without rowid;

-- Tasks in state 3.
create table running (
    key integer primary key
);

-- When a timer must look at which task.
create table due (
    at integer not null,
    key integer not null,
    primary key (at, key)
) without rowid;

-- Tasks that are neither ready nor running nor have succeeded: few in a healthy system, and often asked for.
create table aside (
    state integer not null,
    key integer not null,
    primary key (state, key)
) without rowid;

-- What tasks gave, and why they failed last.
create table result (
    key integer primary key,
    output text, -- JSON
    error text -- JSON
);

-- Who waits for whom.
create table edge (
    target integer not null,
    waiter integer not null,
    primary key (target, waiter)
) without rowid;
create index edge_waiter on edge (waiter);

-- Tasks in each state and what all have spent, kept up to date by every change.
create table total (
    id integer primary key,
    n numeric not null
);
insert into total (id, n) values
    (0, 0), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0),
    (10, 0), (11, 0), (12, 0), (13, 0), (14, 0);

-- Numbers below which every key, lease and seq may have been given out.
create table counter (
    name text primary key,
    reserved integer not null
) without rowid;
insert into counter (name, reserved) values ('key', 1), ('lease', 1), ('seq', 1);
