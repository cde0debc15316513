import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AuditTrail, type AuditQuery, type Creator } from '@droppio/tips';
import { AllowOnly, Me, Scope } from '../access/access.js';
import { auditLogPage, AuditLogPage, AuditLogQuery } from './audit.schema.js';

@ApiTags('account')
@Controller('v1/audit')
export class AuditController {
  constructor(private readonly trail: AuditTrail) {}

  @Get()
  @Scope('account', { fresh: false })
  @ApiOperation({ summary: 'Who changed what in my account, newest first', operationId: 'listAuditEntries' })
  @ApiOkResponse({ standardSchema: AuditLogPage, description: 'One page.' })
  async list(@Me() me: Creator, @Query({ schema: AuditLogQuery }) query: AuditLogQuery): Promise<AuditLogPage> {
    return auditLogPage(await this.trail.entries({ creatorId: me.id, ...asked(query) }));
  }

  @Get('operator')
  @AllowOnly('operator')
  @ApiOperation({ summary: 'What the operator did, and accounts that were deleted, newest first', operationId: 'listOperatorAuditEntries' })
  @ApiOkResponse({ standardSchema: AuditLogPage, description: 'One page.' })
  async listOperators(@Query({ schema: AuditLogQuery }) query: AuditLogQuery): Promise<AuditLogPage> {
    return auditLogPage(await this.trail.entries(asked(query)));
  }
}

function asked({ limit, cursor, operation, from, to }: AuditLogQuery): AuditQuery {
  return {
    limit,
    ...(cursor === undefined ? {} : { cursor }),
    ...(operation === undefined ? {} : { operation }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}
