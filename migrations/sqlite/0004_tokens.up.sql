-- Who is let in. The secret itself is nowhere, only its digest.
create table token (
    id blob primary key,
    digest blob not null unique, -- SHA-256
    name text not null,
    body text not null -- JSON
) without rowid;
