// A small shop with Express: node shop.js. Its payments are in payment.js.
import express from 'express';
import { findOrder } from './orders.js';
import { homePage, orderPage } from './pages.js';
import { newOrder, pay, refund, takeIPN } from './payment.js';

const amount = 109000;
const description = 'Cà phê sữa đá';

const app = express();
app.use(express.urlencoded({ extended: false }));

// A handler that waits for the sidecar hands its error to Express, which answers 500.
const waiting = (handler) => (req, res, next) => handler(req, res).catch(next);

function showOrder(res, id, result = '') {
  const order = findOrder(id);
  if (!order) return res.status(404).send('Không có đơn hàng này.');
  return res.set('Cache-Control', 'no-store').send(orderPage(order, result));
}

app.get('/', (req, res) => res.send(homePage(description)));

app.post('/buy', waiting(async (req, res) => {
  const order = findOrder(req.body.order ?? newOrder(amount, description));
  if (!order) return res.status(404).send('Không có đơn hàng này.');
  const endpoint = order.status === 'open' ? await pay(order) : null;
  return res.redirect(303, endpoint ?? `/orders/${order.id}`);
}));

app.get('/orders/:id', (req, res) => showOrder(res, req.params.id));

// Only a page: goods go by the IPN.
app.get('/galaxypay/result', (req, res) => {
  if (!req.get('Galaxypay-Callback')) return res.status(403).send('This did not come through galaxypay_result.');
  return showOrder(res, decodeURIComponent(req.get('Galaxypay-Order-Id') ?? ''), req.get('Galaxypay-Payment-Status'));
});

app.post('/galaxypay/ipn', express.json(), (req, res) => {
  if (!['ipn', 'query'].includes(req.get('Galaxypay-Callback'))) {
    return res.status(403).send('This did not come through galaxypay_ipn.');
  }
  return res.json(takeIPN((name) => req.get(name), req.body));
});

// For your staff: your shop's login belongs here.
app.post('/refund', waiting(async (req, res) => {
  const password = process.env.STAFF_PASSWORD;
  if (!password || req.body.password !== password) {
    return res.status(403).send('Only for staff. Start the shop with STAFF_PASSWORD.');
  }
  await refund(String(req.body.order));
  return res.redirect(303, `/orders/${encodeURIComponent(req.body.order)}`);
}));

app.listen(Number(process.env.PORT ?? 8000), '127.0.0.1');
