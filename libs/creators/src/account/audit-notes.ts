import { Injectable, Logger, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { errorFields } from '@droppio/platform';
import { AuditTrail, within, type AuditActor, type AuditOutcome } from '@droppio/tips';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { Request, Response } from 'express';
import { Counter } from 'prom-client';
import { callerOf, type Caller } from '../access/access.js';
import { problemOf } from '../edge/problem.js';
import { requestIdOf } from '../edge/request-id.js';
import { AUDIT_LOST } from '../metrics.js';
import { AUDITED } from './audited.js';
import { networkOf } from './network-of.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Where `@ApiOperation` keeps what it was given. */
const API_OPERATION = 'swagger/apiOperation';
/** Ids of ours and of a chain's: nothing that somebody could have written a secret into. */
const AN_ID = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{1,16}(-0x[0-9a-f]{64}-\d{1,10})?|0x[0-9a-f]{40}|ast_[0-9a-z]{24})$/i;
/** A database that lets an entry wait longer has lost it: the answer, and what it tells of, goes on. */
const NOTE_WAIT_MS = 2000;

/**
 * Writes down what callers change, before they get their answer. The change is committed by then, and it stands also when its entry cannot
 * be written: refusing what is done already would only have it done twice. A lost entry is an `error` in the log, with everything that it
 * would have said, and counts in `droppio_creators_audit_lost_total`. A process that dies between change and entry loses the entry, unheard.
 * Calls without valid credentials belong to no account: they are `auth.refused` in the log.
 */
@Injectable()
export class AuditNotes {
  private readonly logger = new Logger('creators');

  constructor(
    private readonly reflector: Reflector,
    private readonly trail: AuditTrail,
    @InjectMetric(AUDIT_LOST) private readonly lost: Counter,
  ) {}

  /** Changes, and reads that are marked. Sockets have their own rules. */
  isFor(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return false;
    const { method } = context.switchToHttp().getRequest<Request>();
    return !READS.has(method) || this.reflector.get<boolean | undefined>(AUDITED, context.getHandler()) === true;
  }

  done(context: ExecutionContext, answer: unknown): Promise<void> {
    return this.note(context, 'done', madeIn(answer));
  }

  failed(context: ExecutionContext, error: unknown): Promise<void> {
    const { status, code } = problemOf(error);
    return this.note(context, status < 500 ? 'refused' : 'failed', {}, code);
  }

  private async note(context: ExecutionContext, outcome: AuditOutcome, made: Record<string, string>, code?: string): Promise<void> {
    const request = context.switchToHttp().getRequest<Request>();
    const caller = callerOf(request);
    if (caller === undefined || caller.role === 'overlay') return;
    const network = networkOf(request.ip);
    const entry = {
      ...(caller.role === 'creator' ? { creatorId: caller.creator.id } : {}),
      actor: actorOf(caller),
      operation: this.operationOf(context),
      targets: { ...targetsOf(request), ...made },
      outcome,
      ...(code === undefined ? {} : { code }),
      requestId: requestIdOf(context.switchToHttp().getResponse<Response>()),
      ...(network === undefined ? {} : { network }),
    };
    try {
      await within(NOTE_WAIT_MS, 'writing to the audit log', this.trail.note(entry));
    } catch (error) {
      this.lost.inc();
      this.logger.error('audit.lost', { ...entry, ...errorFields(error) });
    }
  }

  private operationOf(context: ExecutionContext): string {
    const given = this.reflector.get<{ operationId?: string } | undefined>(API_OPERATION, context.getHandler());
    return given?.operationId ?? `${context.getClass().name}.${context.getHandler().name}`;
  }
}

function actorOf(caller: Exclude<Caller, { role: 'overlay' }>): AuditActor {
  if (caller.role === 'operator') return { kind: 'operator' };
  if (caller.token !== undefined) return { kind: 'token', id: caller.token.id };
  // Who signs in has no session yet when the call begins.
  return { kind: 'session', ...(caller.session === undefined ? {} : { id: caller.session.id }) };
}

function targetsOf({ params }: Request): Record<string, string> {
  const ids = Object.entries(params).filter((pair): pair is [string, string] => typeof pair[1] === 'string' && AN_ID.test(pair[1]));
  return Object.fromEntries(ids.slice(0, 4));
}

/** The id of what a call has made, as its answer names it. */
function madeIn(answer: unknown): Record<string, string> {
  const id = idIn(answer) ?? (typeof answer === 'object' && answer !== null ? Object.values(answer).map(idIn).find(Boolean) : undefined);
  return id === undefined ? {} : { made: id };
}

function idIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value) || typeof value.id !== 'string') return undefined;
  return AN_ID.test(value.id) ? value.id : undefined;
}
