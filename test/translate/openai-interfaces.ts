import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The interfaces of a declaration file with the names of their members, by name with the namespaces around them. */
export function readInterfaces(file: string): ReadonlyMap<string, readonly string[]> {
  const source = readFileSync(join(dirname(createRequire(import.meta.url).resolve('openai')), file), 'utf8');
  const text = source.replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const interfaces = new Map<string, string[]>();
  /** The blocks around the current place; a member's own braces have no name. */
  const blocks: { readonly kind: string; readonly name: string }[] = [];
  for (const [token, kind, block, member] of text.matchAll(TOKENS)) {
    if (kind !== undefined && block !== undefined) {
      blocks.push({ kind, name: block });
      if (kind === 'interface') interfaces.set(qualified(blocks), []);
    } else if (token === '{') {
      blocks.push({ kind: 'braces', name: '' });
    } else if (token === '}') {
      blocks.pop();
    } else if (member !== undefined && blocks.at(-1)?.kind === 'interface') {
      interfaces.get(qualified(blocks))?.push(member);
    }
  }
  return interfaces;
}

/** The head of a namespace or interface, a brace, or the beginning of a line with a member. */
const TOKENS = /\b(namespace|interface) (\w+)[^{;]*\{|[{}]|^\s*(\w+)\??:/gm;

function qualified(blocks: readonly { readonly name: string }[]): string {
  return blocks.map(({ name }) => name).join('.');
}
