import type { Value } from '../../define/column.ts';
import type { ByteReader, ByteWriter } from '../../frames/bytes.ts';
import type { Aggregate } from './aggregate.ts';

export class Count implements Aggregate {
  private rows = 0;

  insert(_value: Value): void {
    this.rows++;
  }

  retract(_value: Value): boolean {
    if (this.rows === 0) return false;
    this.rows--;
    return true;
  }

  result(): Value {
    return this.rows === 0 ? null : BigInt(this.rows);
  }

  write(out: ByteWriter): void {
    out.varint(this.rows);
  }

  read(from: ByteReader): void {
    this.rows = from.varint();
  }
}
