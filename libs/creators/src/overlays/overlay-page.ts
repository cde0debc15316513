import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupFault } from '@droppio/platform';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';

export interface OverlayPage {
  /** Folder of the built page: `index.html` and `assets/` with hashed names. */
  readonly dir: string;
  /** Where the page opens its WebSocket: `wss://host/overlay`. */
  readonly gatewayUrl: string;
}

const PATH = '/overlay';
const GATEWAY_META = /(<meta name="droppio-gateway" content=")[^"]*("\s*\/?>)/;

/**
 * Serves the built page at `/overlay/`, with a policy of its own, next to whatever else the app does. Call it after `configureHttp`,
 * whose request ids, metrics and problems it shares.
 * Throws `StartupFault` when the folder holds no build.
 */
export function serveOverlayPage(app: NestExpressApplication, { dir, gatewayUrl }: OverlayPage): void {
  const html = pageFor(dir, gatewayUrl);
  const policy = overlayPagePolicy(gatewayUrl);
  app.use(PATH, (request: Request, response: Response, next: NextFunction) => {
    response.setHeader('Content-Security-Policy', policy);
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    // Older than `frame-ancestors` and stricter: it would keep the page out of our own previews.
    response.removeHeader('X-Frame-Options');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      next();
    } else if (request.path === '/' && request.originalUrl.split('?', 1)[0] === PATH) {
      // Relative, so that it holds behind a proxy that adds a prefix. Browsers carry the fragment, with its token, along.
      response.redirect(308, 'overlay/');
    } else if (request.path === '/' || request.path === '/index.html') {
      response.setHeader('Cache-Control', 'no-store');
      response.type('html').send(html);
    } else {
      next();
    }
  });
  app.useStaticAssets(dir, {
    prefix: PATH,
    index: false,
    redirect: false,
    dotfiles: 'ignore',
    setHeaders: (response: Response, file: string) => {
      const hashed = file.startsWith(join(dir, 'assets'));
      response.setHeader('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

function pageFor(dir: string, gatewayUrl: string): string {
  let html: string;
  try {
    html = readFileSync(join(dir, 'index.html'), 'utf8');
  } catch {
    throw new StartupFault(`There is no overlay page in ${dir}. Build it (npm run build), or point OVERLAY_PAGE_DIR at its folder.`);
  }
  if (!GATEWAY_META.test(html)) {
    throw new StartupFault(`The index.html in ${dir} has no place for the gateway's address: it is not a build of the overlay page.`);
  }
  return html.replace(GATEWAY_META, (_match, before: string, after: string) => before + escapeAttribute(gatewayUrl) + after);
}

/** Whoever else serves the page says the same: docker/nginx/web.conf. */
export function overlayPagePolicy(gatewayUrl: string): string {
  const { origin } = new URL(gatewayUrl);
  // The same host also answers over HTTP when WebSockets do not get through.
  const connect = ["'self'", origin, origin.replace(/^ws/, 'http')].join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline' data:",
    "img-src 'self' data:",
    "media-src 'self'",
    "font-src 'self'",
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
    // Text becomes no markup and no code, whoever writes such a line one day. The page's own rule for it lets OBS put its Custom CSS in.
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ');
}

function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
