drop table minute;
