drop table token, schedule, start, paused_queue, limit_rule, session;
