import { createParamDecorator, SetMetadata, applyDecorators, type ExecutionContext } from '@nestjs/common';
import { ApiSecurity } from '@nestjs/swagger';
import type { Creator, Session } from '@droppio/tips';
import type { OverlayClaim } from '@droppio/protocol/overlay-token';
import type { Request } from 'express';

/** Who asks, as their credentials prove it. */
export type Caller =
  | { readonly role: 'creator'; readonly creator: Creator; /** Absent with an access token. */ readonly session?: Session }
  | { readonly role: 'operator' }
  | { readonly role: 'overlay'; readonly claim: OverlayClaim };
export type Role = Caller['role'];

export const ROLES = 'droppio:roles';

/** Who may call a route. A route that says nothing is for creators: forgetting a decorator closes a door, never opens one. */
export const AllowOnly = (role: Exclude<Role, 'creator'>): MethodDecorator & ClassDecorator =>
  applyDecorators(SetMetadata(ROLES, [role]), ApiSecurity(role));

/** Open to everybody: sign-in itself, and nothing else. */
export const Public = (): MethodDecorator & ClassDecorator => applyDecorators(SetMetadata(ROLES, []), ApiSecurity({}));

const callers = new WeakMap<Request, Caller>();

export function rememberCaller(request: Request, caller: Caller): void {
  callers.set(request, caller);
}

/** The creator whose route this is. */
export const Me = createParamDecorator((_: unknown, context: ExecutionContext): Creator => {
  const caller = callers.get(context.switchToHttp().getRequest<Request>());
  if (caller?.role !== 'creator') throw new TypeError('@Me() on a route that is not for creators');
  return caller.creator;
});

/** The session of the browser that asks; `undefined` for a script with an access token. */
export const MySession = createParamDecorator((_: unknown, context: ExecutionContext): Session | undefined => {
  const caller = callers.get(context.switchToHttp().getRequest<Request>());
  return caller?.role === 'creator' ? caller.session : undefined;
});
