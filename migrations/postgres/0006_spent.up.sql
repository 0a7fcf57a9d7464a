-- Tokens that tasks spent in the last minute, in lanes with limit keys.
create table spent (
    lane bigint not null,
    at bigint not null,
    n bigint not null,
    primary key (lane, at)
);

-- Adds to them, beside a call of `write` in the same statement, whose fence and lock count for both.
create function spend(before bigint, spent_lane bigint[], spent_at bigint[], spent_n bigint[]) returns void
language plpgsql as $$
begin
    delete from spent where at < before;
    insert into spent (lane, at, n) select * from unnest(spent_lane, spent_at, spent_n)
    on conflict (lane, at) do update set n = spent.n + excluded.n;
end
$$;
