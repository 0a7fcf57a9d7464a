drop table schedule;
drop table start;
drop table paused_queue;
drop table limit_rule;
drop table session;
