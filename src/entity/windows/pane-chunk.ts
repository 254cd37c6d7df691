/**
 * Panes of neighbouring indexes. They are objects while they change, and packed in the bytes that are written while they do not: most panes
 * of a long window are only looked at again when they leave it.
 */
import type { AggregatePlan } from '../../define/plan.ts';
import { ByteReader, type ByteWriter } from '../../frames/bytes.ts';
import { readPanes, writePanes, type Pane } from './pane.ts';

export class PaneChunk {
  /** Pane index divided by how many share a chunk. */
  readonly number: number;
  private objects: Pane[] | null;
  /** As they were written last; null when they have changed since. */
  private bytes: Buffer | null = null;
  private packedCount = 0;
  private packedFirst = 0;

  private constructor(number: number, objects: Pane[] | null) {
    this.number = number;
    this.objects = objects;
  }

  static empty(number: number): PaneChunk {
    return new PaneChunk(number, []);
  }

  static of(number: number, panes: Pane[]): PaneChunk {
    return new PaneChunk(number, panes);
  }

  /** @param bytes what {@link write} gave; they are kept. */
  static packed(number: number, bytes: Uint8Array): PaneChunk {
    const chunk = new PaneChunk(number, null);
    chunk.setBytes(Buffer.from(bytes));
    return chunk;
  }

  private setBytes(bytes: Buffer): void {
    const from = new ByteReader(bytes);
    this.bytes = bytes;
    this.packedCount = from.varint();
    this.packedFirst = from.zigzag();
  }

  get count(): number {
    return this.objects?.length ?? this.packedCount;
  }

  /** The lowest index; there is one. */
  get first(): number {
    return this.objects === null ? this.packedFirst : this.objects[0]!.index;
  }

  get isWritten(): boolean {
    return this.bytes !== null;
  }

  /** The panes, to be changed or to leave soon. */
  unpacked(plans: readonly AggregatePlan[]): Pane[] {
    return (this.objects ??= readPanes(new ByteReader(this.bytes!), plans));
  }

  /** The panes, to be looked at once. */
  look(plans: readonly AggregatePlan[]): readonly Pane[] {
    return this.objects ?? readPanes(new ByteReader(this.bytes!), plans);
  }

  /** A pane has changed, has come or has gone. */
  touch(): void {
    this.bytes = null;
  }

  write(out: ByteWriter): Buffer {
    if (this.bytes === null) {
      writePanes(out, this.objects!);
      this.setBytes(out.take());
    }
    return this.bytes!;
  }

  /** Keeps the bytes alone. */
  pack(): void {
    if (this.bytes !== null) this.objects = null;
  }
}
