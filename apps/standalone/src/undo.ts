/** Steps of a start, undone in reverse: what was started last stops first. Every step gets its chance, whatever the others do. */
export class Undo {
  private readonly steps: { readonly name: string; readonly undo: () => Promise<void> }[] = [];

  add(name: string, undo: () => Promise<void>): void {
    this.steps.push({ name, undo });
  }

  async run(failed: (name: string, error: unknown) => void): Promise<void> {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        failed(step.name, error);
      }
    }
  }
}
