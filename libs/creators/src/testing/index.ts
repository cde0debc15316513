export { startTestApi, type Answer, type TestApi, type TestCreator } from './test-api.js';
export { readDocument, type ApiDocument, type Route } from './document.js';
