// A small shop that takes payments through the sidecar: PORT=8000 node shop.js
//
// It holds no key, no salt and no hash. It believes the Galaxypay-* headers, because only the
// sidecar can reach it: it listens on loopback, and Caddy removes such headers from outside.
'use strict';

const http = require('node:http');

const SIDECAR = process.env.GALAXYPAY_URL ?? 'http://localhost:9180';
const DESCRIPTION = 'Áo dài lụa tơ tằm – đặt bởi Nguyễn Thị Ánh Tuyết, giảm 5% ☕';
const AMOUNT = 109000;
const CURRENCY = 'VND';

// Your shop has a database here. In this program no two IPNs are handled at the same time.
const orders = new Map();

// Posts plain JSON to the sidecar. Returns the answer and the payment status.
async function callSidecar(operation, fields, key = '') {
  const response = await fetch(`${SIDECAR}/${operation}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(fields),
    signal: AbortSignal.timeout(40_000), // longer than the sidecar waits for the gateway
  });
  return [await response.json(), response.headers.get('Galaxypay-Payment-Status') ?? ''];
}

// Opens a payment for an order.
async function buy(id) {
  // The order is stored before the payment exists, because the IPN may come before the answer.
  const order = orders.get(id) ?? { status: 'open', amount: AMOUNT, currency: CURRENCY, description: '', handedOut: 0 };
  orders.set(id, order);
  // The key belongs to the order: the same call made twice is one payment.
  const [answer] = await callSidecar('pay', {
    orderID: id,
    orderNumber: '82262889',
    orderAmount: AMOUNT,
    orderCurrency: CURRENCY,
    orderDateTime: new Date(Date.now() + 7 * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14), // Vietnam's time
    orderDescription: DESCRIPTION,
    paymentMethod: 'DOMESTIC',
    language: 'vi',
  }, `${id}-pay-1`);
  order.transactionID = answer.transactionID ?? '';
  return answer; // with the endpoint, to which the shop sends the customer
}

// Asks the gateway what became of an order. Only an IPN changes the order.
async function check(id) {
  const [answer, status] = await callSidecar('query', { transactionID: orders.get(id)?.transactionID ?? '' });
  return { status, description: answer.orderDescription ?? '' };
}

// Takes a proven IPN and answers it.
function takeIPN({ responseData: payment }, status) {
  const order = orders.get(payment.orderID);
  if (!order) return { ipnStatus: '404', ipnDescription: 'Không có đơn hàng này' };
  // Repeats change nothing, and a late failure does not undo a paid order.
  if (order.status === 'paid' || order.status === status) {
    return { ipnStatus: '409', ipnDescription: 'Đơn hàng đã xong' };
  }
  // A proven message is authentic. It may still be about another amount.
  if (status === 'paid' && !isFullPayment(payment, order)) {
    order.status = 'disputed';
    return { ipnStatus: '200', ipnDescription: 'Số tiền không khớp, cần người kiểm tra' };
  }
  order.status = status;
  order.description = payment.orderDescription;
  if (status === 'paid') order.handedOut += 1; // hand out the goods here, and nowhere else
  return { ipnStatus: '200', ipnDescription: 'Đã cập nhật đơn hàng' };
}

// Compares by value, since the gateway writes 109000, "109000" or "109000.00".
function isFullPayment(payment, order) {
  return Number(payment.orderAmount) === order.amount && payment.orderCurrency === order.currency;
}

const escapeHTML = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

// The page for the customer who comes back. It shows what happened and changes nothing.
function resultPage(headers, shop) {
  const order = orders.get(decodeURIComponent(headers['galaxypay-order-id'] ?? ''));
  return `<p>${escapeHTML(order?.description ?? '')}: ${headers['galaxypay-callback']} ` +
    `${headers['galaxypay-payment-status']}, ${escapeHTML(shop)}</p>`;
}

async function readJSON(request) {
  const chunks = await request.toArray();
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function answer(response, value) {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(value));
}

async function handle(request, response) {
  const address = new URL(request.url, 'http://shop');
  const [, page, id] = address.pathname.split('/');
  if (page === 'buy') return answer(response, await buy(id));
  if (page === 'orders') return answer(response, orders.get(id) ?? {});
  if (page === 'check') return answer(response, await check(id));
  if (address.pathname === '/galaxypay/ipn') {
    return answer(response, takeIPN(await readJSON(request), request.headers['galaxypay-payment-status']));
  }
  if (address.pathname === '/galaxypay/result') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    return response.end(resultPage(request.headers, address.searchParams.get('shop') ?? ''));
  }
  return response.writeHead(404).end();
}

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
server.listen(process.env.PORT ?? 0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
