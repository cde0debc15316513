import { randomUUID } from 'node:crypto';
import { MemoryBrokerModule, RedisBrokerModule } from '@droppio/broker';
import { inject } from 'vitest';
import { describeResume } from './resume.contract.js';

describeResume('memory', () => MemoryBrokerModule);
describeResume('Redis', () => RedisBrokerModule.for({ url: inject('redisUrl'), queue: { prefix: `{${randomUUID()}}` } }));
