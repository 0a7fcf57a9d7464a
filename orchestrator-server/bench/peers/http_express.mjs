// Express: a task from memory; with a DATABASE_URL, a row inserted for each request.
import express from 'express';
import pg from 'pg';

const url = process.env.DATABASE_URL;
const pool = url && new pg.Pool({ connectionString: url, max: 16 });
if (pool) {
  await pool.query(
    "create table task (id bigint generated always as identity primary key, title text not null, status text not null default 'ready', priority int not null, created_at timestamptz not null default now())",
  );
}
const insert = 'insert into task (title, priority) values ($1, $2) returning id, title, status, priority';
const tasks = new Map(
  Array.from({ length: 1000 }, (_, id) => [id, { id, title: `task ${id}`, status: 'ready', priority: id % 5, agent: 'bench' }]),
);

const app = express();
app.use(express.json());
app.get('/api/v1/tasks/:id', (request, response) => {
  const task = tasks.get(Number(request.params.id));
  if (task) response.json(task);
  else response.sendStatus(404);
});
app.post('/api/v1/tasks', async ({ body }, response) => {
  const { rows } = await pool.query({ name: 'insert', text: insert, values: [body.title, body.priority] });
  response.status(201).json(rows[0]);
});
app.get('/api/v1/tasks', (_, response) => response.json([]));
app.listen(Number(process.env.PORT), '127.0.0.1');
