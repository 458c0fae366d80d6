import { Injectable } from '@nestjs/common';
import fs from 'node:fs';
import path from 'node:path';

export type Status = 'open' | 'failed' | 'paid' | 'refunding' | 'refunded' | 'review';

export interface Order {
  id: string;
  amount: number;
  currency: string;
  description: string;
  status: Status;
  payKey: string;
  transactionID: string;
  handedOut: number;
  refundKey: string;
  refundsRefused: number;
  messages: string[]; // what it has taken: transaction and status
}

/** The shop's own orders: a file each, written whole and synced. Changes are synchronous, so in this one process no two mix. */
@Injectable()
export class Orders {
  private readonly folder = process.env.SHOP_STORE ?? 'orders';

  constructor() {
    fs.mkdirSync(this.folder, { recursive: true });
  }

  find(id: string): Order | null {
    if (!/^DH-[0-9a-f]{10}$/.test(id) || !fs.existsSync(this.file(id))) return null;
    return JSON.parse(fs.readFileSync(this.file(id), 'utf8')) as Order;
  }

  save(order: Order): void {
    const written = `${this.file(order.id)}.new`;
    fs.writeFileSync(written, JSON.stringify(order), { flush: true } as fs.WriteFileOptions);
    fs.renameSync(written, this.file(order.id));
  }

  /** Reads the order, lets change alter it, and saves it. Returns what change returns. */
  change<T>(id: string, change: (order: Order) => T): T {
    const order = this.find(id);
    if (!order) throw new Error(`there is no order ${id}`);
    const result = change(order);
    this.save(order);
    return result;
  }

  private file(id: string): string {
    return path.join(this.folder, `${id}.json`);
  }
}
