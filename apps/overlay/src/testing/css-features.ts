/** What a style sheet is made of, by name: `property`, `@rule`, `function()`, `1unit`, `:pseudo`, `(media-feature`, and `nesting` or `ranges`. */
export function cssFeaturesIn(css: string): ReadonlySet<string> {
  const features = new Set<string>();
  const isStyleRule: boolean[] = [];
  const plain = css.replaceAll(/\/\*.*?\*\//gs, '').replaceAll(/"[^"]*"|'[^']*'|url\([^)]*\)/g, ' text ');
  for (const [, words = '', end] of plain.matchAll(/([^{};]*)([{};]|$)/g)) {
    const text = words.trim();
    if (end === '{') {
      for (const feature of text.startsWith('@') ? ofRule(text) : ofSelector(text)) features.add(feature);
      if (isStyleRule.at(-1) === true) features.add('nesting');
      isStyleRule.push(!text.startsWith('@'));
    } else for (const feature of text.startsWith('@') ? ofRule(text) : ofDeclaration(text)) features.add(feature);
    if (end === '}') isStyleRule.pop();
  }
  return features;
}

function ofRule(text: string): string[] {
  const names = [...text.matchAll(/^@[\w-]+|\([\w-]+(?=\s*:)/g)].map(([name]) => name);
  return [...names, ...(/[<>]/.test(text) ? ['ranges'] : [])];
}

function ofSelector(text: string): string[] {
  return [...text.matchAll(/:{1,2}[\w-]+/g)].map(([name]) => name);
}

function ofDeclaration(text: string): string[] {
  const [, name = '', value = ''] = /^([\w-]+)\s*:(.*)$/s.exec(text) ?? [];
  // Places of letters in a font, not lengths.
  if (name === '' || name === 'unicode-range') return name === '' ? [] : [name];
  const functions = [...value.matchAll(/([\w-]+)\(/g)].map(([, of]) => `${of ?? ''}()`);
  const units = [...value.matchAll(/(?<![\w#.-])-?[\d.]+([a-z%]+)/gi)].map(([, of]) => `1${of ?? ''}`);
  return [...(name.startsWith('--') ? [] : [name]), ...functions, ...units];
}
