/** An error whose message is meant for the person at the terminal: printed without a stack. */
export class StartupFault extends Error {
  override readonly name: string = 'StartupFault';
}

/** Why a port could not be opened, as a sentence that names the setting to change; another error passes through. */
export function portFault(error: unknown, host: string, port: number, setting: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const where = `Port ${String(port)} on ${host}`;
  switch (code) {
    case 'EADDRINUSE':
      return new StartupFault(`${where} is taken by another program. Set ${setting} to a free port, or stop that program.`, {
        cause: error,
      });
    case 'EACCES':
      return new StartupFault(`${where} may not be opened by this user. Set ${setting} to a port above 1023.`, { cause: error });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartupFault(`${host} is no address of this machine, so ${setting} cannot be opened there. Set the host to one that is.`, {
        cause: error,
      });
    default:
      return error;
  }
}
