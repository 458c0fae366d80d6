// A tiny shop: node shop.js
//
// SIDECAR is where the sidecar takes calls. There is no key, no salt and no hash in here,
// and every message that comes in is proven.
'use strict';

const http = require('node:http');

const DESCRIPTION = 'Áo dài lụa tơ tằm – đặt bởi Nguyễn Thị Ánh Tuyết, giảm 5% ☕';

const orders = new Map();

// Posts plain JSON to the sidecar.
async function callSidecar(operation, fields) {
  const answer = await fetch(`${process.env.SIDECAR}/${operation}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(fields),
  });
  return [await answer.json(), answer.headers.get('Galaxypay-Payment-Status') ?? ''];
}

async function buy(id) {
  const [answer] = await callSidecar('pay', {
    orderID: id,
    orderNumber: '82262889',
    orderAmount: 109000,
    orderCurrency: 'VND',
    orderDateTime: new Date().toISOString().replace(/\D/g, '').slice(0, 14),
    orderDescription: DESCRIPTION,
    paymentMethod: 'DOMESTIC',
    language: 'vi',
  });
  if (answer.transactionID) {
    orders.set(id, { status: 'open', transactionID: answer.transactionID });
  }
  return answer;
}

async function check(id) {
  const [answer, status] = await callSidecar('query', { transactionID: orders.get(id).transactionID });
  return { status, description: answer.orderDescription };
}

function takeIPN({ responseData: paid }, status) {
  const order = orders.get(paid.orderID);
  if (!order) return { ipnStatus: '404', ipnDescription: 'Không có đơn hàng này' };
  if (order.status !== 'open') return { ipnStatus: '409', ipnDescription: 'Đơn hàng đã xong' };
  order.status = status;
  order.description = paid.orderDescription;
  return { ipnStatus: '200', ipnDescription: 'Đã cập nhật đơn hàng' };
}

const escapeHTML = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

async function readJSON(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

async function handle(request, response) {
  const address = new URL(request.url, 'http://shop');
  const [, page, id] = address.pathname.split('/');
  const status = request.headers['galaxypay-payment-status'];
  if (page === 'galaxypay' && id === 'result') {
    const { responseData: paid } = await readJSON(request);
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<p>${escapeHTML(paid.orderDescription)}: ${request.headers['galaxypay-callback']} ${status}, ` +
      `${escapeHTML(address.searchParams.get('shop') ?? '')}</p>`);
    return;
  }
  let value;
  if (page === 'buy') value = await buy(id);
  if (page === 'orders') value = orders.get(id) ?? {};
  if (page === 'check') value = await check(id);
  if (page === 'galaxypay' && id === 'ipn') value = takeIPN(await readJSON(request), status);
  if (!value) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(value));
}

const server = http.createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
