import { Hono } from 'hono';

// Ponder refuses to start without one.
export default new Hono();
