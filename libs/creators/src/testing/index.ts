export { SIGN_IN_ORIGIN, startTestApi, type Answer, type TestApi, type TestCreator } from './test-api.js';
export { aWav, type WavPlan } from './files.js';
export { readDocument, type ApiDocument, type Route } from './document.js';
export { openOverlay, type OpenOverlay } from './open-overlay.js';
export { aMessage, aNonce, aSignIn, aSignUp, aWallet, signIn, type Wallet } from './wallet.js';
