/** A glob as a regular expression; `*` stands for any run of characters, `/` included. */
export function globPattern(glob: string): RegExp {
  const escaped = glob.split('*').map((text) => text.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`, 's');
}
