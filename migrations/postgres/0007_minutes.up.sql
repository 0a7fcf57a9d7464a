-- What was added up goes by the minute in which it happened, and is folded: rows of `total` become one of their minute.
-- What happened is counted beside: submitted, succeeded, failed, cancelled, tokens, billionths of a dollar; and then comes
-- the number of the minute since 1970. Rows from before have none and count for no minute.
alter table total add column minute bigint generated always as (coalesce(n[22], 0)::bigint) stored;

create table total_minute (
    minute bigint primary key, -- 0: before the last day
    n double precision[] not null
);

with gone as (delete from total returning n)
insert into total_minute (minute, n)
select 0, array_agg(s order by at) from (
    select v.at, sum(v.x) as s from gone, unnest(gone.n) with ordinality as v (x, at) group by v.at
) sums having count(*) > 0;

-- Sums of two arrays, of which the longer gives the length.
create function plus(a double precision[], b double precision[]) returns double precision[]
language sql immutable as $$
    select array_agg(coalesce(x, 0) + coalesce(y, 0) order by at) from unnest(a, b) with ordinality as v (x, y, at)
$$;

-- Folds the last rows, which nobody else writes to: those of transactions that come later to an end are folded never, and
-- counted all the same.
create function fold_totals() returns trigger
language plpgsql as $$
declare
    old double precision[];
    newest bigint;
    r record;
begin
    for r in
        with gone as (delete from total where id > new.id - 1024 and id <= new.id returning minute, n)
        select minute, array_agg(s order by at) as n from (
            select gone.minute, v.at, sum(v.x) as s
            from gone, unnest(gone.n[1:21]) with ordinality as v (x, at) group by gone.minute, v.at
        ) sums group by minute
    loop
        insert into total_minute (minute, n) values (r.minute, r.n)
        on conflict (minute) do update set n = plus(total_minute.n, excluded.n);
    end loop;
    select max(minute) into newest from total_minute;
    for r in delete from total_minute where minute > 0 and minute < newest - 1440 returning n loop
        old := plus(old, r.n);
    end loop;
    if old is not null then
        insert into total_minute (minute, n) values (0, old)
        on conflict (minute) do update set n = plus(total_minute.n, excluded.n);
    end if;
    return null;
end
$$;
create trigger fold after insert on total for each row when (new.id % 512 = 0) execute function fold_totals();
