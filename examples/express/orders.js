// The shop's own orders: a file each, written whole and synced. Changes are synchronous, so in this one process no
// two of them mix.
import fs from 'node:fs';
import path from 'node:path';

const folder = process.env.SHOP_STORE ?? 'orders';
fs.mkdirSync(folder, { recursive: true });

const fileOf = (id) => path.join(folder, `${id}.json`);

export function findOrder(id) {
  if (!/^DH-[0-9a-f]{10}$/.test(id) || !fs.existsSync(fileOf(id))) return null;
  return JSON.parse(fs.readFileSync(fileOf(id), 'utf8'));
}

export function saveOrder(order) {
  const written = `${fileOf(order.id)}.new`;
  fs.writeFileSync(written, JSON.stringify(order), { flush: true });
  fs.renameSync(written, fileOf(order.id));
}

/** Reads the order, lets change alter it, and saves it. Returns what change returns. */
export function changeOrder(id, change) {
  const order = findOrder(id);
  const result = change(order);
  saveOrder(order);
  return result;
}
