drop function write;
drop sequence fence, number_key, number_lease, number_seq;
