import { expect, it } from 'vitest';
import { envExample, writtenExample } from './env-example.js';

it('.env.example says what the schemas say (npm run env:example writes it)', () => {
  expect(writtenExample()).toBe(envExample());
});
