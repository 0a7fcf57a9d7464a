-- Workers' sessions that have not ended.
create table session (
    id blob primary key,
    expires_at integer not null,
    body text not null -- JSON
) without rowid;

create table limit_rule (
    key text primary key,
    rule text not null -- JSON
) without rowid;

create table paused_queue (
    queue text primary key
) without rowid;

-- Starts of the last minute, in lanes with limit keys.
create table start (
    lane integer not null,
    at integer not null,
    n integer not null,
    primary key (lane, at)
) without rowid;

create table schedule (
    id blob primary key,
    name text not null unique,
    body text not null -- JSON
) without rowid;
