-- What happened, in order. What was written together, and whose places follow each other, is one row. A task's history is
-- the walk back from life.last_event along the links, so that the hot path keeps no index by task.
create table event (
    seq integer primary key, -- the place of its last event
    first integer not null, -- of its first
    kinds integer not null, -- which kinds of events it holds: a bit each
    links text not null, -- of each event, in 12 digits, how far before it the task's event before it is; to 0: it is the first
    body blob not null -- the events
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
