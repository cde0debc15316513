/** What came after Chrome 103, which OBS 30 carries: on prototypes, and as functions of globals. `@@` stands for the symbol of that name. */
export const NEWER: Readonly<Record<string, readonly string[]>> = {
  'Array.prototype': ['toSorted', 'toReversed', 'toSpliced', 'with'],
  'Uint8Array.prototype.__proto__': ['toSorted', 'toReversed', 'with'],
  'Uint8Array.prototype': ['toBase64', 'toHex', 'setFromBase64', 'setFromHex'],
  Uint8Array: ['fromBase64', 'fromHex'],
  'String.prototype': ['isWellFormed', 'toWellFormed'],
  'Set.prototype': ['union', 'intersection', 'difference', 'symmetricDifference', 'isSubsetOf', 'isSupersetOf', 'isDisjointFrom'],
  'Map.prototype': ['getOrInsert', 'getOrInsertComputed'],
  'Iterator.prototype': ['map', 'filter', 'take', 'drop', 'flatMap', 'reduce', 'toArray', 'forEach', 'some', 'every', 'find'],
  'ArrayBuffer.prototype': ['transfer', 'transferToFixedLength', 'resize'],
  Promise: ['withResolvers', 'try'],
  Object: ['groupBy'],
  Map: ['groupBy'],
  Array: ['fromAsync'],
  Math: ['sumPrecise', 'f16round'],
  RegExp: ['escape'],
  Error: ['isError'],
  JSON: ['rawJSON', 'isRawJSON'],
  Symbol: ['dispose', 'asyncDispose'],
  Iterator: ['from', 'concat'],
  URL: ['canParse', 'parse'],
  'URLSearchParams.prototype': ['size'],
  AbortSignal: ['any'],
  CSS: ['highlights'],
  Response: ['json'],
  'Response.prototype': ['bytes'],
  'Headers.prototype': ['getSetCookie'],
  ReadableStream: ['from'],
  'ReadableStream.prototype': ['values', '@@asyncIterator'],
  Document: ['parseHTMLUnsafe', 'parseHTML'],
  'Document.prototype': ['startViewTransition', 'caretPositionFromPoint'],
  'Element.prototype': ['checkVisibility', 'setHTML', 'setHTMLUnsafe', 'getHTML', 'moveBefore', 'startViewTransition'],
  'HTMLElement.prototype': ['showPopover', 'hidePopover', 'togglePopover'],
  'DocumentFragment.prototype': ['moveBefore'],
  'AnimationEffect.prototype': ['overallProgress'],
  'Navigator.prototype': ['preferences'],
  scheduler: ['yield'],
  globalThis: [
    'Iterator',
    'Float16Array',
    'SuppressedError',
    'DisposableStack',
    'AsyncDisposableStack',
    'Highlight',
    'CloseWatcher',
    'Sanitizer',
  ],
};

/** Runs in the page before its own scripts. */
export function forget(newer: Readonly<Record<string, readonly string[]>>): void {
  const isObject = (value: unknown): value is object => (typeof value === 'object' ? value !== null : typeof value === 'function');
  const within = (from: unknown, step: string): unknown => (isObject(from) ? Reflect.get(from, step) : undefined);
  for (const [path, names] of Object.entries(newer)) {
    const owner = path.split('.').reduce<unknown>(within, globalThis);
    if (!isObject(owner)) continue;
    for (const name of names) Reflect.deleteProperty(owner, name.startsWith('@@') ? Symbol.asyncIterator : name);
  }
}
