import { crc32, deflateRawSync } from 'node:zlib';

/** One file of an archive; the optional fields lie about it. */
export interface ZipFile {
  readonly name: string;
  readonly data: Buffer;
  readonly stored?: boolean;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  readonly bytes?: number;
  readonly compressedBytes?: number;
  readonly extra?: Buffer;
}

/** A zip archive, built by hand so that a test can make a broken one. */
export function zipArchive(files: readonly ZipFile[], comment = ''): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const file of files) {
    const name = Buffer.from(file.name);
    const content = file.stored === true ? file.data : deflateRawSync(file.data);
    const extra = file.extra ?? Buffer.alloc(0);
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(file.flags ?? 0, 2);
    facts.writeUInt16LE(file.method ?? (file.stored === true ? 0 : 8), 4);
    facts.writeUInt32LE(file.crc ?? crc32(file.data), 10);
    facts.writeUInt32LE(file.compressedBytes ?? content.length, 14);
    facts.writeUInt32LE(file.bytes ?? file.data.length, 18);
    facts.writeUInt16LE(name.length, 22);
    facts.writeUInt16LE(extra.length, 24);

    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    facts.copy(central, 6);
    central.writeUInt32LE(offset, 42);
    centrals.push(central, name, extra);

    const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), facts, name, extra, content]);
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...locals, directory, end, Buffer.from(comment)]);
}
