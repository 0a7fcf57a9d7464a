// NestJS: a task from memory. Its decorators are applied by hand, so that nothing has to be compiled.
import 'reflect-metadata';
import { Controller, Get, Module, NotFoundException, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const tasks = new Map(
  Array.from({ length: 1000 }, (_, id) => [id, { id, title: `task ${id}`, status: 'ready', priority: id % 5, agent: 'bench' }]),
);

class Tasks {
  one(id) {
    const task = tasks.get(Number(id));
    if (!task) throw new NotFoundException();
    return task;
  }
}
Controller('api/v1/tasks')(Tasks);
Get(':id')(Tasks.prototype, 'one', Object.getOwnPropertyDescriptor(Tasks.prototype, 'one'));
Param('id')(Tasks.prototype, 'one', 0);

class App {}
Module({ controllers: [Tasks] })(App);

const app = await NestFactory.create(App, { logger: false });
await app.listen(Number(process.env.PORT), '127.0.0.1');
