-- What workers said last of the types of tasks that they run.
create table task_type (
    name text primary key,
    input_schema text, -- JSON; null: it has none
    announced_at integer not null -- microseconds since 1970
) without rowid;
