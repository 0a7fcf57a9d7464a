drop table step, log, event;
