/** MIME types of media by short format, by file extension and by first bytes. Contract section 3.2. */

const BY_FORMAT = new Map([
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mp3'],
  ['flac', 'audio/flac'],
  ['ogg', 'audio/ogg'],
  ['opus', 'audio/ogg'],
  ['aac', 'audio/aac'],
  ['m4a', 'audio/mp4'],
  ['aiff', 'audio/aiff'],
  ['webm', 'audio/webm'],
  ['pcm16', 'audio/pcm'],
]);

const BY_EXTENSION = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['bmp', 'image/bmp'],
  ['tif', 'image/tiff'],
  ['tiff', 'image/tiff'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['avif', 'image/avif'],
  ['svg', 'image/svg+xml'],
  ['mp4', 'video/mp4'],
  ['m4v', 'video/mp4'],
  ['mov', 'video/quicktime'],
  ['mpeg', 'video/mpeg'],
  ['mpg', 'video/mpeg'],
  ['avi', 'video/x-msvideo'],
  ['wmv', 'video/x-ms-wmv'],
  ['flv', 'video/x-flv'],
  ['webm', 'video/webm'],
  ['mkv', 'video/x-matroska'],
  ['3gp', 'video/3gpp'],
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mp3'],
  ['flac', 'audio/flac'],
  ['ogg', 'audio/ogg'],
  ['oga', 'audio/ogg'],
  ['opus', 'audio/ogg'],
  ['aac', 'audio/aac'],
  ['m4a', 'audio/mp4'],
  ['aif', 'audio/aiff'],
  ['aiff', 'audio/aiff'],
  ['pcm', 'audio/pcm'],
  ['pdf', 'application/pdf'],
  ['json', 'application/json'],
  ['rtf', 'application/rtf'],
  ['txt', 'text/plain'],
  ['log', 'text/plain'],
  ['md', 'text/md'],
  ['csv', 'text/csv'],
  ['html', 'text/html'],
  ['htm', 'text/html'],
  ['css', 'text/css'],
  ['xml', 'text/xml'],
  ['js', 'text/javascript'],
  ['ts', 'text/plain'],
  ['py', 'text/x-python'],
]);

/** `input_audio.format`: a MIME type as it is, or a short name such as `wav`; `undefined` for an unknown name. */
export function mimeTypeOfFormat(format: string): string | undefined {
  return format.includes('/') ? format : BY_FORMAT.get(format.toLowerCase());
}

/** The type a file name or an object name ends with. */
export function mimeTypeOfName(name: string): string | undefined {
  const extension = /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1];
  return extension === undefined ? undefined : BY_EXTENSION.get(extension.toLowerCase());
}

/** Formats by the bytes they begin with; a space stands for any byte. */
const SIGNATURES: readonly (readonly [bytes: string, mimeType: string])[] = [
  ['\x89PNG', 'image/png'],
  ['\xFF\xD8\xFF', 'image/jpeg'],
  ['GIF8', 'image/gif'],
  ['BM', 'image/bmp'],
  ['RIFF    WEBP', 'image/webp'],
  ['RIFF    WAVE', 'audio/wav'],
  ['    ftypheic', 'image/heic'],
  ['    ftypmif1', 'image/heif'],
  ['    ftypavif', 'image/avif'],
  ['    ftypM4A', 'audio/mp4'],
  ['    ftypqt', 'video/quicktime'],
  ['    ftyp', 'video/mp4'],
  ['ID3', 'audio/mp3'],
  ['\xFF\xFB', 'audio/mp3'],
  ['\xFF\xF3', 'audio/mp3'],
  ['OggS', 'audio/ogg'],
  ['fLaC', 'audio/flac'],
  ['FORM    AIFF', 'audio/aiff'],
  ['\x1A\x45\xDF\xA3', 'video/webm'],
  ['%PDF-', 'application/pdf'],
];

/** The type that the first bytes of base64 data show; `undefined` when they show none. */
export function sniffMimeType(base64: string): string | undefined {
  return typeOfFirstBytes(atob(base64.slice(0, 24)));
}

/** The type that a medium's first bytes show. @param head 18 bytes or more, a character each */
export function typeOfFirstBytes(head: string): string | undefined {
  return SIGNATURES.find(([bytes]) => beginsWith(head, bytes))?.[1];
}

function beginsWith(head: string, bytes: string): boolean {
  if (head.length < bytes.length) return false;
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] !== ' ' && bytes[at] !== head[at]) return false;
  }
  return true;
}
