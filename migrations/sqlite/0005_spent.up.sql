-- Tokens that tasks spent in the last minute, in lanes with limit keys.
create table spent (
    lane integer not null,
    at integer not null,
    n integer not null,
    primary key (lane, at)
) without rowid;
