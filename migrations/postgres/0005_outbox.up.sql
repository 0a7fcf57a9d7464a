-- Tasks that other programs submitted inside their own transactions, until they are taken in. A batch is one call of
-- theirs: all of it is stored or refused together.
create table outbox (
    batch bigint not null,
    place integer not null, -- within its batch
    id uuid not null, -- which the program was told
    idempotency_key text,
    body text not null, -- JSON: the task as submitted, what it depends on as ids
    left_at timestamptz not null default now(),
    primary key (batch, place)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_limit = 2000);
create unique index outbox_id on outbox (id);
create unique index outbox_idempotency on outbox (idempotency_key) where idempotency_key is not null;
create sequence outbox_batch;

-- Tells the processes of the fleet, when the program's transaction is committed.
create function outbox_told() returns trigger language plpgsql as $$
begin
    perform pg_notify('orchestrator_outbox', tg_table_schema);
    return null;
end
$$;
create trigger outbox_told after insert on outbox for each statement execute function outbox_told();
