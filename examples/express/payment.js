// Payments through the sidecar: pay, the IPN, refund. It holds no secret and signs nothing: the sidecar does.
import { changeOrder, findOrder, saveOrder } from './orders.js';

const sidecarURL = process.env.GALAXYPAY_URL ?? 'http://localhost:9180';

// Vietnam's time, as yyyyMMddHHmmss.
const now = () => new Date(Date.now() + 7 * 3600_000).toISOString().replace(/\D/g, '').slice(0, 14);

/** Posts plain JSON to the sidecar. Returns 'ok', 'not_sent', 'rejected' or 'unknown', and the answer. */
async function sidecar(operation, key, fields) {
  try {
    const response = await fetch(`${sidecarURL}/${operation}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify({ ...fields, orderDateTime: now() }),
      signal: AbortSignal.timeout(35_000), // the sidecar waits 30 s
    });
    const text = await response.text();
    if (response.status === 200) return ['ok', JSON.parse(text)];
    console.error(`${operation} ${key}: ${response.status} ${text}`); // says what to correct
    return [JSON.parse(text).outcome ?? 'unknown', {}];
  } catch (error) {
    console.error(`${operation} ${key}:`, error);
    return ['unknown', {}];
  }
}

/** Makes an order, and the key of its payment with it: the key is kept before anything is sent. */
export function newOrder(amount, description) {
  const id = `DH-${crypto.randomUUID().replaceAll('-', '').slice(-10)}`;
  saveOrder({
    id, amount, currency: 'VND', description, status: 'open', payKey: `${id}-pay-1`,
    transactionID: '', handedOut: 0, refundKey: '', refundsRefused: 0, messages: [],
  });
  return id;
}

/** Opens the payment of an order. Returns the payment page, or null. Repeated, it sends the same key: one payment. */
export async function pay(order) {
  const [outcome, answer] = await sidecar('pay', order.payKey, {
    orderID: order.id,
    orderAmount: order.amount,
    orderCurrency: order.currency,
    orderDescription: order.description,
    paymentMethod: 'DOMESTIC',
  });
  if (outcome === 'ok') {
    changeOrder(order.id, (o) => { o.transactionID ||= answer.transactionID; });
    return answer.endpoint;
  }
  if (outcome === 'rejected') { // the gateway's proven no: the customer may make another order
    changeOrder(order.id, (o) => { if (o.status === 'open') o.status = 'failed'; });
  }
  return null; // unknown or not_sent: the order stays open, to be tried again under the same key
}

/** Takes a proven IPN. Returns the answer to it. */
export function takeIPN(header, body) {
  const id = decodeURIComponent(header('Galaxypay-Order-Id') ?? '');
  if (!findOrder(id)) return { ipnStatus: '404', ipnDescription: 'No such order' };
  const status = header('Galaxypay-Payment-Status');
  const transaction = decodeURIComponent(header('Galaxypay-Transaction-Id') ?? '');
  return changeOrder(id, (order) => {
    const message = `${transaction} ${status}`;
    if (order.messages.includes(message)) { // an IPN can come twice
      return { ipnStatus: '409', ipnDescription: 'Noted before' };
    }
    order.messages.push(message);
    return applyMessage(order, status, transaction, body.responseData);
  });
}

/** What an IPN does to the order: only 'paid' hands out goods, and nothing undoes it. */
function applyMessage(order, status, transaction, data) {
  const unpaid = order.status === 'open' || order.status === 'failed';
  if (status === 'disputed' || (status === 'paid' && !isFullPayment(order, data))) {
    console.error(`${order.id}: transaction ${transaction} has another amount than the order; a person must look at it`);
    if (unpaid) order.status = 'review';
    return { ipnStatus: '200', ipnDescription: 'Another amount than ordered' };
  }
  if (status === 'paid' && unpaid) {
    order.status = 'paid';
    order.transactionID = transaction;
    order.handedOut += 1; // hand out the goods here
    return { ipnStatus: '200', ipnDescription: 'Paid' };
  }
  if (status === 'paid') {
    console.error(`${order.id}: paid again, by transaction ${transaction}; a person must look at it`);
    return { ipnStatus: '409', ipnDescription: 'Paid before' };
  }
  if (['cancelled', 'expired', 'failed'].includes(status) && order.status === 'open') order.status = 'failed';
  return { ipnStatus: '200', ipnDescription: 'Noted' };
}

/** Compares by value: the gateway writes 109000, "109000" or "109000.00". */
function isFullPayment(order, data) {
  return /^[0-9]+(\.[0-9]+)?$/.test(String(data.orderAmount)) && Number(data.orderAmount) === order.amount
    && data.orderCurrency === order.currency;
}

/** Gives the money of a paid order back. Repeated after 'unknown', it sends the same key: one refund. */
export async function refund(id) {
  if (!findOrder(id)) return;
  const order = changeOrder(id, (o) => { // kept before anything is sent
    if (o.status === 'paid') Object.assign(o, { status: 'refunding', refundKey: `${id}-refund-${o.refundsRefused + 1}` });
    return o;
  });
  if (order.status !== 'refunding') return;
  const [outcome] = await sidecar('refund', order.refundKey, {
    orderID: id,
    transactionID: order.transactionID,
    orderAmount: order.amount,
    orderCurrency: order.currency,
    orderDescription: 'Refund',
  });
  changeOrder(id, (o) => {
    if (outcome === 'ok') o.status = 'refunded';
    if (outcome === 'rejected' && o.status === 'refunding' && o.refundKey === order.refundKey) {
      Object.assign(o, { status: 'paid', refundsRefused: o.refundsRefused + 1 }); // another try is another key
    }
  });
}
