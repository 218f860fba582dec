/** A Markdown code block with its own line end. The fence is longer than any run of backticks inside. */
export function fencedBlock(language: string, body: string): string {
  let longest = 2;
  for (const [run] of body.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${body}${body === '' || body.endsWith('\n') ? '' : '\n'}${fence}\n`;
}
