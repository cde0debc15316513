export { GatewayHouse } from './gateway-house.js';
export { OverlayClient } from './overlay-client.js';
