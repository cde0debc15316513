declare global {
  interface Window {
    /** Chromium's guard over what turns text into markup or code, which TypeScript does not know. Missing on plain http. */
    readonly trustedTypes?: { createPolicy(name: 'default', rules: { createHTML(text: string): string }): unknown };
  }
}

/**
 * The page itself writes no markup, and its policy lets none be written. But OBS up to 30.2 puts a source's Custom CSS in by `innerHTML` of a style
 * element, so text passes there, without what could begin an element: in a style sheet the escape means the same sign wherever one may stand in a
 * value, and in HTML it is mere text. Code and the addresses of scripts have no way through at all.
 */
export function trustStyles(): void {
  window.trustedTypes?.createPolicy('default', { createHTML: (text) => text.replaceAll('<', '\\3c ') });
}
