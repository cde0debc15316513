/** What a template may say of a tip. `count` is 1, or how many tips a summed-up card stands for. */
export const TEMPLATE_VARIABLES = ['name', 'amount', 'symbol', 'usd', 'message', 'chain', 'count', 'address_short', 'tx_short'] as const;
export type TemplateVariable = (typeof TEMPLATE_VARIABLES)[number];

export type TemplatePart = { readonly text: string } | { readonly variable: TemplateVariable };
/** `at`: place in the template, in UTF-16 units from 0. */
export interface TemplateFault {
  readonly at: number;
  readonly message: string;
}

const TOKEN = /\{\{|\}\}|\{(\w{1,32})\}|[{}]/g;

/** `{name}` is a variable, `{{` and `}}` are braces. Never throws. */
export function parseTemplate(template: string): { readonly parts: readonly TemplatePart[] } | { readonly fault: TemplateFault } {
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const match of template.matchAll(TOKEN)) {
    const [token, name] = match;
    if (match.index > end) parts.push({ text: template.slice(end, match.index) });
    end = match.index + token.length;
    const variable = TEMPLATE_VARIABLES.find((known) => known === name);
    if (variable !== undefined) parts.push({ variable });
    else if (name !== undefined) return { fault: { at: match.index, message: `there is no variable {${name}}` } };
    else if (token === '{') return { fault: { at: match.index, message: 'the brace is never closed around a variable' } };
    else if (token === '}') return { fault: { at: match.index, message: 'the brace was never opened' } };
    else parts.push({ text: token.slice(0, 1) });
  }
  if (end < template.length) parts.push({ text: template.slice(end) });
  return { parts };
}

/** Fills in once: what a stranger wrote is never looked at for variables. A template with a fault stands as it is. Never throws. */
export function fillTemplate(template: string, values: Readonly<Partial<Record<TemplateVariable, string>>>): string {
  const parsed = parseTemplate(template);
  if ('fault' in parsed) return template;
  return parsed.parts.map((part) => ('text' in part ? part.text : (values[part.variable] ?? ''))).join('');
}
