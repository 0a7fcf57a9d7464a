drop function spend;
drop table spent;
