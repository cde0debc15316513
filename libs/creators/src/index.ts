export { creatorsEnv, creatorsOptions, httpOptions } from './env.js';
export { CreatorsModule } from './creators.module.js';
export { CreatorsOptions } from './creators-options.js';
export { configureHttp, type HttpOptions } from './edge/http.js';
export { hashAccessToken, newAccessToken } from './access/access-token.js';
export { serveOverlayPage, type OverlayPage } from './overlays/overlay-page.js';
export { openApiOf } from './edge/docs.js';
