import { createParamDecorator, SetMetadata, applyDecorators, type ExecutionContext } from '@nestjs/common';
import type { Reflector } from '@nestjs/core';
import { ApiSecurity } from '@nestjs/swagger';
import type { AccessToken, Creator, Scope as ScopeName, Session } from '@droppio/tips';
import type { OverlayClaim } from '@droppio/protocol/overlay-token';
import type { Request } from 'express';

/** Who asks, as their credentials prove it. */
export type Caller =
  | {
      readonly role: 'creator';
      readonly creator: Creator;
      /** What the credentials allow: a browser everything, a token what it was made for. */
      readonly scopes: readonly ScopeName[];
      /** One of both: the browser's session or the script's token. */
      readonly session?: Session;
      readonly token?: AccessToken;
    }
  | { readonly role: 'operator' }
  | { readonly role: 'overlay'; readonly claim: OverlayClaim };
export type Role = Caller['role'];
export type CreatorCaller = Extract<Caller, { role: 'creator' }>;

const ROLES = 'droppio:roles';
const CREATORS_ONLY: readonly Role[] = ['creator'];

/** Who may call a route. A route that says nothing is for creators: forgetting a decorator closes a door, never opens one. */
export const AllowOnly = (role: Exclude<Role, 'creator'>): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(ROLES, [role]), ApiSecurity(role));

/** Open to everybody: sign-in itself, and nothing else. */
export const Public = (): MethodDecorator & ClassDecorator => applyDecorators(SetMetadata(ROLES, []), ApiSecurity({}));

/** Who may call the route that is asked for; nobody in particular: everybody. */
export function rolesOf(reflector: Reflector, context: ExecutionContext): readonly Role[] {
  return reflector.getAllAndOverride<readonly Role[] | undefined>(ROLES, [context.getHandler(), context.getClass()]) ?? CREATORS_ONLY;
}

export const SCOPE = 'droppio:scope';

export interface ScopeRule {
  readonly scope: ScopeName;
  /** Must a browser have signed in lately? */
  readonly isFresh: boolean;
}

/**
 * What a token must be made for to call a route of creators. A route that says nothing asks for `read` (GET, HEAD) or `write`. `account` also
 * asks a browser for a sign-in not older than `FRESH_SIGN_IN_MS`, unless `fresh` is false.
 */
export const Scope = (scope: ScopeName, { fresh = true }: { readonly fresh?: boolean } = {}): MethodDecorator & ClassDecorator =>
  applyDecorators(
    SetMetadata(SCOPE, { scope, isFresh: scope === 'account' && fresh } satisfies ScopeRule),
    ApiSecurity('creator', [scope]),
    ApiSecurity('session'),
  );

export function defaultScope(method: string): ScopeName {
  return method === 'GET' || method === 'HEAD' ? 'read' : 'write';
}

const callers = new WeakMap<Request, Caller>();

export function rememberCaller(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** Who asks, let in or not; `undefined` before the guard has found out, and on routes that are open to everybody. */
export function callerOf(request: Request): Caller | undefined {
  return callers.get(request);
}

/** The creator whose route this is. */
export const Me = createParamDecorator((_: unknown, context: ExecutionContext): Creator => {
  const caller = callerOf(context.switchToHttp().getRequest<Request>());
  if (caller?.role !== 'creator') throw new TypeError('@Me() on a route that is not for creators');
  return caller.creator;
});

/** The creator whose route this is, with what was shown for it. */
export const Myself = createParamDecorator((_: unknown, context: ExecutionContext): CreatorCaller => {
  const caller = callerOf(context.switchToHttp().getRequest<Request>());
  if (caller?.role !== 'creator') throw new TypeError('@Myself() on a route that is not for creators');
  return caller;
});

/** The session of the browser that asks; `undefined` for a script with an access token. */
export const MySession = createParamDecorator((_: unknown, context: ExecutionContext): Session | undefined => {
  const caller = callerOf(context.switchToHttp().getRequest<Request>());
  return caller?.role === 'creator' ? caller.session : undefined;
});
