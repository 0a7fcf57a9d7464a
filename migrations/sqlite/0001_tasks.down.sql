drop table counter;
drop table total;
drop table edge;
drop table result;
drop table life;
drop table task;
drop table lane;
