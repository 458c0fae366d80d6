import { Injectable, Logger } from '@nestjs/common';
import { Order, Orders } from './orders';

type Outcome = 'ok' | 'not_sent' | 'rejected' | 'unknown';
type Answer = { outcome: Outcome; transactionID?: string; endpoint?: string };
export type IPNAnswer = { ipnStatus: '200' | '404' | '409'; ipnDescription: string };
type Payment = { orderAmount?: unknown; orderCurrency?: unknown };

/** Payments through the sidecar: pay, the IPN, refund. It holds no secret and signs nothing: the sidecar does. */
@Injectable()
export class PaymentsService {
  private readonly sidecar = process.env.GALAXYPAY_URL ?? 'http://localhost:9180';
  private readonly log = new Logger(PaymentsService.name);

  constructor(private readonly orders: Orders) {}

  /** Posts plain JSON to the sidecar. */
  private async call(operation: string, key: string, fields: object): Promise<Answer> {
    try {
      const response = await fetch(`${this.sidecar}/${operation}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
        body: JSON.stringify({ ...fields, orderDateTime: now() }),
        signal: AbortSignal.timeout(35_000), // the sidecar waits 30 s
      });
      const text = await response.text();
      if (response.status === 200) return { ...JSON.parse(text), outcome: 'ok' };
      this.log.error(`${operation} ${key}: ${response.status} ${text}`); // says what to correct
      return { outcome: JSON.parse(text).outcome ?? 'unknown' };
    } catch (error) {
      this.log.error(`${operation} ${key}: ${error}`);
      return { outcome: 'unknown' };
    }
  }

  /** Makes an order, and the key of its payment with it: the key is kept before anything is sent. */
  newOrder(amount: number, description: string): string {
    const id = `DH-${crypto.randomUUID().replaceAll('-', '').slice(-10)}`;
    this.orders.save({
      id, amount, currency: 'VND', description, status: 'open', payKey: `${id}-pay-1`,
      transactionID: '', handedOut: 0, refundKey: '', refundsRefused: 0, messages: [],
    });
    return id;
  }

  /** Opens the payment of an order. Returns the payment page, if any. Repeated, it sends the same key: one payment. */
  async pay(order: Order): Promise<string | undefined> {
    const answer = await this.call('pay', order.payKey, {
      orderID: order.id,
      orderAmount: order.amount,
      orderCurrency: order.currency,
      orderDescription: order.description,
      paymentMethod: 'DOMESTIC',
    });
    this.orders.change(order.id, (o) => {
      if (answer.outcome === 'ok') o.transactionID ||= answer.transactionID ?? '';
      // The gateway's proven no: the customer may make another order.
      if (answer.outcome === 'rejected' && o.status === 'open') o.status = 'failed';
    });
    return answer.endpoint; // unknown or not_sent: the order stays open, to be tried again under the same key
  }

  /** Takes a proven IPN. */
  takeIPN(id: string, transaction: string, status: string, payment: Payment): IPNAnswer {
    if (!this.orders.find(id)) return said('404', 'No such order');
    return this.orders.change(id, (order) => {
      const message = `${transaction} ${status}`;
      if (order.messages.includes(message)) return said('409', 'Noted before'); // an IPN can come twice
      order.messages.push(message);
      return this.apply(order, transaction, status, payment);
    });
  }

  /** What an IPN does to the order: only 'paid' hands out goods, and nothing undoes it. */
  private apply(order: Order, transaction: string, status: string, payment: Payment): IPNAnswer {
    const unpaid = order.status === 'open' || order.status === 'failed';
    if (status === 'disputed' || (status === 'paid' && !isFullPayment(order, payment))) {
      this.log.error(`${order.id}: transaction ${transaction} has another amount than the order; a person must look at it`);
      if (unpaid) order.status = 'review';
      return said('200', 'Another amount than ordered');
    }
    if (status === 'paid' && unpaid) {
      order.status = 'paid';
      order.transactionID = transaction;
      order.handedOut += 1; // hand out the goods here
      return said('200', 'Paid');
    }
    if (status === 'paid') {
      this.log.error(`${order.id}: paid again, by transaction ${transaction}; a person must look at it`);
      return said('409', 'Paid before');
    }
    if (['cancelled', 'expired', 'failed'].includes(status) && order.status === 'open') order.status = 'failed';
    return said('200', 'Noted');
  }

  /** Gives the money of a paid order back. Repeated after 'unknown', it sends the same key: one refund. */
  async refund(id: string): Promise<void> {
    const order = this.orders.change(id, (o) => { // kept before anything is sent
      if (o.status === 'paid') Object.assign(o, { status: 'refunding', refundKey: `${id}-refund-${o.refundsRefused + 1}` });
      return o;
    });
    if (order.status !== 'refunding') return;
    const { outcome } = await this.call('refund', order.refundKey, {
      orderID: id,
      transactionID: order.transactionID,
      orderAmount: order.amount,
      orderCurrency: order.currency,
      orderDescription: 'Refund',
    });
    this.orders.change(id, (o) => {
      if (outcome === 'ok') o.status = 'refunded';
      if (outcome === 'rejected' && o.status === 'refunding' && o.refundKey === order.refundKey) {
        Object.assign(o, { status: 'paid', refundsRefused: o.refundsRefused + 1 }); // another try is another key
      }
    });
  }
}

const said = (ipnStatus: IPNAnswer['ipnStatus'], ipnDescription: string): IPNAnswer => ({ ipnStatus, ipnDescription });

/** Vietnam's time, as yyyyMMddHHmmss. */
const now = () => new Date(Date.now() + 7 * 3600_000).toISOString().replace(/\D/g, '').slice(0, 14);

/** Compares by value: the gateway writes 109000, "109000" or "109000.00". */
function isFullPayment(order: Order, payment: Payment): boolean {
  return /^[0-9]+(\.[0-9]+)?$/.test(String(payment.orderAmount)) && Number(payment.orderAmount) === order.amount
    && payment.orderCurrency === order.currency;
}
