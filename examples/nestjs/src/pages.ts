// The pages of the shop. Ids and states of orders are the shop's own words, so nothing needs escaping.
import { Order } from './orders';

const sentences: Record<Order['status'] | 'confirming', string> = {
  open: 'Đơn hàng chưa được thanh toán. Bấm lại nút này không mất tiền hai lần.',
  failed: 'Bạn chưa thanh toán. Bạn có thể đặt một đơn hàng mới.',
  paid: 'Cảm ơn bạn! Đơn hàng đã được thanh toán.',
  refunding: 'Tiền đang được hoàn lại.',
  refunded: 'Tiền đã được hoàn lại.',
  review: 'Cửa hàng đang kiểm tra khoản thanh toán này.',
  confirming: 'Chúng tôi đã nhận kết quả và đang xác nhận. Bạn không cần thanh toán lại.',
};

const page = (html: string, head = '') => `<!doctype html><html lang="vi"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">${head}<title>Cửa hàng</title></head>
<body style="font: 1.1em sans-serif; max-width: 32em; margin: 2em auto">${html}</body></html>`;

export const homePage = (description: string): string => page(`<h1>${description}</h1><p>109.000 ₫</p>
<form method="post" action="/buy"><button id="buy">Mua</button></form>`);

/** The page of an order. It goes by the shop's own order; result is what the customer's browser has brought. */
export function orderPage(order: Order, result: string): string {
  const confirming = order.status === 'open' && ['paid', 'pending'].includes(result);
  let form = '';
  if (order.status === 'open' && !confirming) {
    form = `<form method="post" action="/buy"><button id="pay" name="order" value="${order.id}">Thanh toán</button></form>`;
  }
  if (order.status === 'paid' || order.status === 'refunding') {
    form = `<form method="post" action="/refund"><input type="hidden" name="order" value="${order.id}">
<input id="password" type="password" name="password" placeholder="Mật khẩu nhân viên"><button id="refund">Hoàn tiền</button></form>`;
  }
  return page(`<h1 id="order">${order.id}</h1><p>${sentences[confirming ? 'confirming' : order.status]}</p>
<p>Trạng thái: <b id="status">${order.status}</b>, đã giao: <b id="handed-out">${order.handedOut}</b></p>
${form}<p><a href="/">Về cửa hàng</a></p>`, confirming ? '<meta http-equiv="refresh" content="3">' : '');
}
