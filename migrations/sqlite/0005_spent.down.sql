drop table spent;
