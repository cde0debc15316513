export { cloudEvent } from '../cloud-event.js';
export { TEST_CERTIFICATE, TEST_KEY } from './certificate.js';
export { StubNames } from './names.js';
export { answerWith, Receiver, type Answering, type Received } from './receiver.js';
