import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

export type RecordType = 'A' | 'AAAA';

/** Addresses, none of them, a code of RFC 1035 section 4.1.1, or silence. */
export type Reply = readonly string[] | 'no such name' | 'failure' | 'refused' | 'silence';

const TYPES: Readonly<Record<number, RecordType>> = { 1: 'A', 28: 'AAAA' };
const CODES = { 'no such name': 3, failure: 2, refused: 5 } as const;
const HEAD_BYTES = 12;

/**
 * A name server on loopback, for one test.
 *
 * @param reply asked for each question
 * @returns its address with port, and what it was asked
 */
export async function startNameServer(reply: (name: string, type: RecordType) => Reply) {
  const socket = createSocket('udp4');
  onTestFinished(() => void socket.close());
  const asked: string[] = [];
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = readQuestion(query);
    asked.push(`${type} ${name}`);
    const told = reply(name, type);
    if (told !== 'silence') socket.send(answerOf(query.subarray(0, end), type, told), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { server: `127.0.0.1:${socket.address().port}`, asked };
}

function readQuestion(query: Buffer): { name: string; type: RecordType; end: number } {
  const labels: string[] = [];
  let at = HEAD_BYTES;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: TYPES[query.readUInt16BE(at + 1)]!, end: at + 5 };
}

function answerOf(question: Buffer, type: RecordType, told: Exclude<Reply, 'silence'>): Buffer {
  const addresses = typeof told === 'string' ? [] : told;
  const head = Buffer.from(question);
  // A response of a server that recurses, to one question.
  head.writeUInt16BE(0x8180 | (typeof told === 'string' ? CODES[told] : 0), 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...addresses.map((address) => recordOf(question, type, address))]);
}

function recordOf(question: Buffer, type: RecordType, address: string): Buffer {
  const bytes =
    type === 'A'
      ? Buffer.from(address.split('.').map(Number))
      : Buffer.from(
          address
            .split(':')
            .map((group) => group.padStart(4, '0'))
            .join(''),
          'hex',
        );
  const fixed = Buffer.alloc(12);
  // The name is the one at the beginning of the question.
  fixed.writeUInt16BE(0xc000 | HEAD_BYTES, 0);
  question.copy(fixed, 2, question.length - 4);
  fixed.writeUInt32BE(60, 6);
  fixed.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([fixed, bytes]);
}
