-- What happened, in order. A task's history is the walk back from life.last_event along previous, so that the hot path
-- keeps no second index.
create table event (
    seq integer primary key,
    task integer not null,
    previous integer not null, -- the task's event before this one; 0: none
    at integer not null,
    kind integer not null,
    state integer,
    attempt integer,
    worker blob,
    more text -- JSON: what else it says
);

-- Lines that tasks wrote.
create table log (
    task integer not null,
    seq integer not null,
    at integer not null,
    stream text not null,
    line text not null,
    primary key (task, seq)
) without rowid;

-- Results of finished steps, in the order of their recording.
create table step (
    id integer primary key,
    task integer not null,
    name text not null,
    output text not null -- JSON
);
create unique index step_name on step (task, name);
