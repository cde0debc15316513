import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillTemplate, parseTemplate, TEMPLATE_VARIABLES } from './template.js';

const values = { name: '{amount}', amount: '1.5', symbol: 'ETH', message: '$& {name} }}{{' };

describe(parseTemplate.name, () => {
  it.each([
    ['{nmae} tipped', 0, 'there is no variable {nmae}'],
    ['hello {__proto__}', 6, 'there is no variable {__proto__}'],
    ['{constructor}', 0, 'there is no variable {constructor}'],
    ['a {name', 2, 'never closed'],
    ['a {', 2, 'never closed'],
    ['{ name }', 0, 'never closed'],
    ['{}', 0, 'never closed'],
    ['name}', 4, 'never opened'],
    ['{{name}', 6, 'never opened'],
    [`{${'a'.repeat(33)}}`, 0, 'never closed'],
  ])('finds the fault in %s at %i', (template, at, message) => {
    expect(parseTemplate(template)).toEqual({ fault: { at, message: expect.stringContaining(message) as unknown } });
  });

  it('takes every variable and every text without braces', () => {
    const part = fc.oneof(
      fc.constantFrom(...TEMPLATE_VARIABLES).map((variable) => `{${variable}}`),
      fc.string().map((text) => text.replaceAll(/[{}]/g, (brace) => brace + brace)),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        expect(parseTemplate(parts.join(''))).toHaveProperty('parts');
      }),
    );
  });
});

describe(fillTemplate.name, () => {
  it('fills in once, so that a stranger cannot write variables', () => {
    expect(fillTemplate('{name} sent {amount} {symbol}: {message}{usd}', values)).toBe('{amount} sent 1.5 ETH: $& {name} }}{{');
  });

  it('writes doubled braces as one', () => {
    expect(fillTemplate('{{{amount}}} {{name}}', values)).toBe('{1.5} {name}');
  });

  it('leaves a template with a fault as it is', () => {
    expect(fillTemplate('{name} {oops', values)).toBe('{name} {oops');
  });

  it('never throws, whatever the template and the values are', () => {
    const hostile = fc.oneof(fc.string({ unit: fc.constantFrom('{', '}', 'name', 'a', '_', '\ud800', '$&') }), fc.string());
    fc.assert(
      fc.property(hostile, fc.dictionary(fc.constantFrom(...TEMPLATE_VARIABLES), hostile), (template, some) => {
        expect(typeof fillTemplate(template, some)).toBe('string');
      }),
    );
  });
});
