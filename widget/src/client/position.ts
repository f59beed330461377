/**
 * The positions of a stream, as event ids and counts carry them: base64url of the number of the reader's last
 * operation, then per stream its id (16 bytes), its last seq and its last change (8 bytes each, big endian).
 */

const OPERATION_BYTES = 8;
const STREAM_BYTES = 32;

/** The number of the reader's last operation. */
export function operationOf(position: string): number {
  return Number(numbers(position).getBigInt64(0));
}

/** Up to which seq was counted, by stream; null where it does not say (more than 200 streams). */
export function countedUpTo(position: string): Map<string, number> | null {
  const packed = numbers(position);
  if (packed.byteLength <= OPERATION_BYTES) return null;
  const upTo = new Map<string, number>();
  for (let at = OPERATION_BYTES; at + STREAM_BYTES <= packed.byteLength; at += STREAM_BYTES) {
    upTo.set(uuid(new Uint8Array(packed.buffer, at, 16)), Number(packed.getBigInt64(at + 16)));
  }
  return upTo;
}

function numbers(position: string): DataView {
  const text = atob(position.replaceAll("-", "+").replaceAll("_", "/"));
  return new DataView(Uint8Array.from(text, (one) => one.charCodeAt(0)).buffer);
}

function uuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
