import {
  createParamDecorator,
  Injectable,
  SetMetadata,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import { finalize, type Observable } from 'rxjs';
import { callerOf } from '../access/access.js';
import { BodyTooLarge, InvalidRequest, Overloaded, UnsupportedMediaType } from '../errors.js';

/** Routes that take a file as it is. Their bodies are left alone until it is known who sends them. */
const RAW_ROUTES: ReadonlyMap<string, number> = new Map([['POST /v1/assets', 2 * 1024 * 1024]]);
/** Bodies that are in memory at a time, of all creators and of one. */
const AT_ONCE = 8;
const AT_ONCE_OF_ONE = 2;
const WITHIN_MS = 30_000;

const RAW_BODY = 'droppio:raw-body';
/** For a route that takes a file: its body is read, bounded in size and time, when the guards have let its sender in. */
export const RawBody = (): MethodDecorator => SetMetadata(RAW_BODY, true);

/** The file. */
export const RawBytes = createParamDecorator((_: unknown, context: ExecutionContext): Buffer => {
  const { body } = context.switchToHttp().getRequest<{ body: unknown }>();
  if (!Buffer.isBuffer(body)) throw new TypeError('@RawBytes() on a route without @RawBody()');
  return body;
});

/**
 * Is the body one to be left alone? A body that nobody will read is not taken in either: one that is announced to be too long is refused at
 * once, one of unknown length ends with its connection. Throws `BodyTooLarge`, `UnsupportedMediaType`.
 */
export function isRawBody(request: Request, response: Response, announced: number): boolean {
  const most = RAW_ROUTES.get(`${request.method} ${request.path}`);
  if (most === undefined) return false;
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new UnsupportedMediaType('Send the file as it is, uncompressed.');
  }
  if (request.headers['transfer-encoding'] !== undefined || announced > most) response.setHeader('Connection', 'close');
  if (announced > most) throw new BodyTooLarge(`The body may have ${String(most)} bytes.`);
  return true;
}

/** Stands around all other interceptors, so that what is repeated by its key can be told from another file with the same key. */
@Injectable()
export class RawBodyInterceptor implements NestInterceptor {
  private readonly held = new Map<string, number>();
  private count = 0;

  constructor(private readonly reflector: Reflector) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    if (context.getType() !== 'http' || this.reflector.get<boolean | undefined>(RAW_BODY, context.getHandler()) !== true)
      return next.handle();
    const request = context.switchToHttp().getRequest<Request>();
    const release = this.hold(ownerOf(request));
    try {
      const bytes = await collect(request, RAW_ROUTES.get(`${request.method} ${request.path}`) ?? 0);
      if (bytes.length === 0) throw new InvalidRequest('Send the file as the body of the request.');
      request.body = bytes;
    } catch (error) {
      release();
      context.switchToHttp().getResponse<Response>().setHeader('Connection', 'close');
      throw error;
    }
    return next.handle().pipe(finalize(release));
  }

  private hold(owner: string): () => void {
    const mine = this.held.get(owner) ?? 0;
    if (mine >= AT_ONCE_OF_ONE || this.count >= AT_ONCE) throw new Overloaded('Other files are being uploaded.', 2);
    this.held.set(owner, mine + 1);
    this.count += 1;
    return () => {
      const left = (this.held.get(owner) ?? 1) - 1;
      if (left === 0) this.held.delete(owner);
      else this.held.set(owner, left);
      this.count -= 1;
    };
  }
}

function ownerOf(request: Request): string {
  const caller = callerOf(request);
  return caller?.role === 'creator' ? caller.creator.id : '';
}

function collect(request: Request, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (error: Error): void => {
      clearTimeout(deadline);
      request.off('data', take);
      request.pause();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > most) stop(new BodyTooLarge(`The body may have ${String(most)} bytes.`));
      else chunks.push(chunk);
    };
    const deadline = setTimeout(() => {
      stop(new InvalidRequest('The body did not come in time.'));
    }, WITHIN_MS);
    if (request.destroyed) {
      stop(new InvalidRequest('The body ended too early.'));
      return;
    }
    request.on('data', take);
    request.once('end', () => {
      clearTimeout(deadline);
      resolve(Buffer.concat(chunks));
    });
    request.once('close', () => {
      stop(new InvalidRequest('The body ended too early.'));
    });
  });
}
