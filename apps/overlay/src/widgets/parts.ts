/** An element with a style of its own; where tests look, the same name is a data attribute too. */
export function part(tag: string, name: string, ...children: readonly HTMLElement[]): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  element.setAttribute(`data-${name}`, '');
  element.append(...children);
  return element;
}

/** For what a person wrote: it finds its own writing direction, and cannot turn its neighbours around. */
export function words(tag: string, name: string, text = ''): HTMLElement {
  const element = part(tag, name);
  element.dir = 'auto';
  element.textContent = text;
  return element;
}

/** Text only where it is another one: what stands still is not drawn anew. */
export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
