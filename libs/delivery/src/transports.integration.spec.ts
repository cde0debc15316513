import { EventStreamTransport, LongPollTransport, WebSocketTransport } from '@droppio/client';
import { WebSocket } from 'ws';
import { describeTransport } from './transport.contract.js';

describeTransport('websocket', (url) => new WebSocketTransport(url, WebSocket));
describeTransport('sse', (url) => new EventStreamTransport(url));
describeTransport('poll', (url) => new LongPollTransport(url));
