-- What happened, in order. A task's history is the walk back from life.last_event along previous, so that the hot path
-- keeps no second index.
create table event (
    seq bigint primary key,
    task bigint not null,
    previous bigint not null, -- the task's event before this one; 0: none
    at bigint not null,
    kind smallint not null,
    state smallint,
    attempt integer,
    worker uuid,
    more text -- JSON: what else it says
);

-- Lines that tasks wrote: bytes, as a text cannot hold every character.
create table log (
    task bigint not null,
    seq bigint not null,
    at bigint not null,
    stream text not null,
    line bytea not null,
    primary key (task, seq)
);

-- Results of finished steps, in the order of their recording.
create table step (
    id bigint generated always as identity,
    task bigint not null,
    name text not null,
    output text not null, -- JSON
    primary key (task, name)
);
