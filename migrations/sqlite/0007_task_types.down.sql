drop table task_type;
