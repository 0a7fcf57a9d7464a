drop trigger fold on total;
drop function fold_totals;
drop function plus;
alter table total drop column minute;
insert into total (n) select n[1:15] from total_minute;
drop table total_minute;
