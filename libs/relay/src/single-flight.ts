interface Flight {
  current: Promise<void>;
  /** What all those wait for who asked while `current` was on its way: it may have looked before they had something to show. */
  next: Promise<void> | undefined;
}

/** One piece of work per key at a time; asked for while it runs, it runs once more, however often it was asked. */
export class SingleFlight {
  private readonly flights = new Map<string, Flight>();

  /** Settles as the run does that began after the call. */
  run(key: string, work: () => Promise<void>): Promise<void> {
    const flight = this.flights.get(key);
    if (flight === undefined) return this.start(key, work);
    return (flight.next ??= flight.current.then(
      () => this.start(key, work),
      () => this.start(key, work),
    ));
  }

  private start(key: string, work: () => Promise<void>): Promise<void> {
    const flight: Flight = { current: Promise.resolve(), next: undefined };
    this.flights.set(key, flight);
    flight.current = work().finally(() => {
      if (flight.next === undefined) this.flights.delete(key);
    });
    return flight.current;
  }
}
