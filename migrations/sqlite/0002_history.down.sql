drop table step;
drop table log;
drop table event;
