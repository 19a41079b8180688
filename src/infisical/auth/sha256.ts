import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';

import type { Checksum, SourceData } from '@smithy/types';

/** SHA-256, or with a secret its HMAC, by Node itself: as AWS's signer wants it. */
export class Sha256 implements Checksum {
  readonly #secret: Buffer | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: SourceData) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret);
    this.#hash = fresh(this.#secret);
  }

  update(chunk: SourceData): void {
    this.#hash.update(bytesOf(chunk));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = fresh(this.#secret);
  }
}

function fresh(secret: Buffer | undefined): Hash | Hmac {
  return secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
}

function bytesOf(data: SourceData): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}
