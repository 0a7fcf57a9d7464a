-- Workers' sessions that have not ended.
create table session (
    id uuid primary key,
    expires_at bigint not null,
    body text not null -- JSON
);

create table limit_rule (
    key text primary key,
    rule text not null -- JSON
);

create table paused_queue (
    queue text primary key
);

-- Starts of the last minute, in lanes with limit keys.
create table start (
    lane bigint not null,
    at bigint not null,
    n integer not null,
    primary key (lane, at)
);

create table schedule (
    id uuid primary key,
    name text not null unique,
    body text not null -- JSON
);

-- Who is let in. The secret itself is nowhere, only its digest.
create table token (
    id uuid primary key,
    digest bytea not null unique, -- SHA-256
    name text not null,
    body text not null -- JSON
);
