-- What happened in each minute of the last day in which something did.
create table minute (
    at integer primary key, -- its number since 1970
    submitted integer not null,
    succeeded integer not null,
    failed integer not null,
    cancelled integer not null,
    tokens integer not null,
    cost integer not null -- billionths of a dollar
);

create trigger minute_old after insert on minute begin
    delete from minute where at < new.at - 1440;
end;
