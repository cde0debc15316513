export { creatorsEnv, creatorsOptions, httpOptions } from './env.js';
export { CreatorsModule } from './creators.module.js';
export { CreatorsOptions } from './creators-options.js';
export { configureHttp, type HttpOptions } from './http.js';
export { hashAccessToken, newAccessToken } from './access-token.js';
export { serveOverlayPage, type OverlayPage } from './overlay-page.js';
export { openApiOf } from './docs.js';
