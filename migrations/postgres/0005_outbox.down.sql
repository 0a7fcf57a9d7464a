-- What was not taken in yet would be lost, though it was acknowledged.
do $$
begin
    if exists (select from outbox) then
        raise exception 'the outbox holds tasks that were not taken in yet: let a server do that first';
    end if;
end
$$;
drop table outbox;
drop function outbox_told;
drop sequence outbox_batch;
