drop table total, edge, result, aside, due, life, task, lane;
